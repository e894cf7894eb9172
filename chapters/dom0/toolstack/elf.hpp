// A kernel's ELF image: what to load where, and the PVH entry that its note names.
#pragma once

#include <kit/types.hpp>
#include <vector>

namespace dom0 {

using namespace kit;

struct Segment {
    Gpa address;
    std::span<const u8> bytes;
    u64 memory_size;  // bytes beyond `bytes` are zero
};

struct ElfImage {
    std::vector<Segment> segments;
    Gpa entry;
    u64 end = 0;  // first byte above every segment
};

/// Reads an ELF64 image with XEN_ELFNOTE_PHYS32_ENTRY. XEN_EINVAL: not such an image;
/// XEN_ENOENT: an ELF image without the note.
Result<ElfImage> parse_elf(std::span<const u8> image);

}  // namespace dom0

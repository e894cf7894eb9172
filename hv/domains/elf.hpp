// A kernel's ELF image: what to load where, and the entry that its PVH note names.
#pragma once

#include <array>
#include <base/result.hpp>
#include <span>

namespace hv {

/// Bytes of the file that belong at a guest physical address.
struct ElfSegment {
    u64 address = 0;       ///< guest physical: p_paddr
    u64 offset = 0;        ///< in the file
    u64 file_bytes = 0;
    u64 memory_bytes = 0;  ///< at least file_bytes; what the file does not fill is zero
};

/// What is worth knowing of an image that can be started.
struct ElfImage {
    static constexpr size_t max_segments = 32;

    u32 entry = 0;        ///< guest physical, 32-bit, paging off
    bool is_64 = false;   ///< ELF64; the entry is 32-bit code all the same
    u64 lowest = 0;       ///< first byte of any segment
    u64 highest = 0;      ///< first byte above every segment, at most 4 GiB
    u32 segment_count = 0;
    std::array<ElfSegment, max_segments> segment_list{};

    std::span<const ElfSegment> segments() const { return {segment_list.data(), segment_count}; }
};

/// Reads `file` as a PVH kernel: ELF32 or ELF64 for x86, with XEN_ELFNOTE_PHYS32_ENTRY in one of
/// its PT_NOTEs or in a SHT_NOTE section. The file is not trusted: every segment in the answer lies
/// within it and below 4 GiB. XEN_EINVAL for all else, with `*why` one line for a person.
/// Allocates nothing; needs base/ only. Sources: the ELF specification; <xen/elfnote.h>.
Result<ElfImage> parse_elf(std::span<const u8> file, const char** why);

}  // namespace hv

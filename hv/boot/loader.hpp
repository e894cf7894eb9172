// What the loader hands over: Xen's PVH start info, or multiboot2's list of tags.
#pragma once

#include <boot/facts.hpp>
#include <boot/frames.hpp>

namespace hv::boot {

inline constexpr u32 pvh_magic = 0x336ec578;         ///< XEN_HVM_START_MAGIC_VALUE
inline constexpr u32 multiboot2_magic = 0x36d76289;  ///< what a multiboot2 loader leaves in EAX

/// What the entry code found in its registers.
struct Handover {
    u32 magic = 0;   ///< which of the two structures it is
    Mpa info{};      ///< where that structure is
    Mpa image{};     ///< where the image was loaded
};

/// What was read from it, before anything is made of it. The texts lie where the loader put them.
struct LoaderFacts {
    static constexpr size_t max_ranges = 128;
    std::array<MemoryRange, max_ranges> ranges{};
    u16 range_count = 0;
    u16 module_count = 0;
    std::string_view command_line{};
    const char* complaint = nullptr;  ///< with an error: what was wrong, for a person

    std::span<const MemoryRange> memory_map() const { return {ranges.data(), range_count}; }
    /// Notes a line of the map; lines beyond the limit are left out, which only loses memory.
    void add(const MemoryRange& range) {
        if (range_count < max_ranges)
            ranges[range_count++] = range;
    }
};

/// Reads the loader's structure into `raw` and `facts` (module, RSDP, framebuffer, loader's name).
/// Everything in it is hostile until checked. XEN_EINVAL with `raw.complaint`.
Result<> read_handover(const PhysicalMemory& memory, const Handover& handover, LoaderFacts& raw,
                       MachineFacts& facts);

/// A copy of the T at `address`, or XEN_EFAULT when it does not lie in `memory`.
template <class T>
Result<T> copy_at(const PhysicalMemory& memory, Mpa address) {
    if (!fits(address.value, sizeof(T), memory.size()))
        return Error{XEN_EFAULT};
    T copy;
    __builtin_memcpy(&copy, memory.at(address), sizeof copy);
    return copy;
}

/// The text at `address` up to its NUL, at most `limit` bytes; empty when it is not in `memory`.
std::string_view text_at(const PhysicalMemory& memory, Mpa address, size_t limit = 2048);

}  // namespace hv::boot

// The words for numbers: fixed widths, and strong types for what must never be mixed up.
#pragma once

#include <compare>
#include <stddef.h>
#include <stdint.h>

namespace hv {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s16 = int16_t;
using s64 = int64_t;

inline constexpr u64 KiB = 1024;
inline constexpr u64 MiB = 1024 * KiB;
inline constexpr u64 GiB = 1024 * MiB;

inline constexpr unsigned page_shift = 12;
inline constexpr u64 page_size = 1ull << page_shift;
inline constexpr u64 page_mask = page_size - 1;

/// A number with a meaning. Two different meanings do not convert into each other.
/// `Tag` only tells the types apart; `step` and differences stay in the number's own unit.
template <class Tag>
struct Strong {
    u64 value = 0;

    constexpr Strong() = default;
    explicit constexpr Strong(u64 number) : value{number} {}

    constexpr auto operator<=>(const Strong&) const = default;
    constexpr Strong operator+(u64 step) const { return Strong{value + step}; }
    constexpr Strong operator-(u64 step) const { return Strong{value - step}; }
    constexpr u64 operator-(Strong other) const { return value - other.value; }
};

/// Guest frame number: a guest's name for one 4 KiB page of its memory.
using Gfn = Strong<struct GfnTag>;
/// Machine frame number: the machine's name for one 4 KiB page of real memory.
using Mfn = Strong<struct MfnTag>;
/// Guest physical address, in bytes.
using Gpa = Strong<struct GpaTag>;
/// Machine physical address, in bytes.
using Mpa = Strong<struct MpaTag>;

constexpr Gfn frame_of(Gpa address) { return Gfn{address.value >> page_shift}; }
constexpr Mfn frame_of(Mpa address) { return Mfn{address.value >> page_shift}; }
constexpr Gpa address_of(Gfn frame) { return Gpa{frame.value << page_shift}; }
constexpr Mpa address_of(Mfn frame) { return Mpa{frame.value << page_shift}; }

/// A domain's number, as guests and the toolstack write it (Xen's `domid_t`).
using DomainId = u16;

/// True when [start, start + length) does not wrap and ends at or below `limit`.
constexpr bool fits(u64 start, u64 length, u64 limit) {
    return start <= limit && length <= limit - start;
}

constexpr u64 align_down(u64 value, u64 alignment) { return value & ~(alignment - 1); }
constexpr u64 align_up(u64 value, u64 alignment) {
    return align_down(value + alignment - 1, alignment);
}

}  // namespace hv

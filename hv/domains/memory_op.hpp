// XENMEM_*: the sub-operations of memory_op, and what they share.
#pragma once

#include <domains/calls.hpp>

namespace hv {

/// The bits of memory_op's first argument above this are where a continued call goes on.
inline constexpr unsigned extent_shift = 6;
inline constexpr u64 most_extents = UINT32_MAX >> extent_shift;

/// What the sub-operations are handed: the argument's address, and where to go on.
struct MemoryCall {
    Call& call;
    u32 operation;
    u64 address;
    u32 start;

    /// Goes on later at item `next`.
    s64 go_on_at(u64 next) {
        call.set_argument(0, operation | next << extent_shift);
        return Call::again;
    }
};

/// Populate, decrease and increase: the number of extents done, whatever went wrong with the rest.
s64 change_reservation(MemoryCall memory);
/// XENMEM_current_reservation, maximum_reservation, maximum_gpfn.
s64 ask_reservation(MemoryCall memory);
s64 claim_pages(MemoryCall memory);

s64 add_to_physmap(MemoryCall memory);
s64 add_to_physmap_batch(MemoryCall memory);
s64 remove_from_physmap(MemoryCall memory);

s64 give_memory_map(MemoryCall memory);
s64 set_memory_map(MemoryCall memory);

}  // namespace hv

// XENMEM_*: the sub-operations of memory_op, and what they share.
#pragma once

#include <domains/calls.hpp>

namespace hv {

/// The bits of memory_op's first argument above this are where a continued call goes on.
inline constexpr unsigned extent_shift = 6;

/// What the sub-operations are handed: the argument's address, and where to go on.
struct MemoryCall {
    Call& call;
    u32 operation;
    u64 address;
    u32 start;

    /// Goes on later at item `next`.
    Answer go_on_at(u64 next) const {
        call.set_argument(0, operation | next << extent_shift);
        return Call::again;
    }
};

// What changes the map (memory_op_physmap.cpp)
Answer add_to_physmap(MemoryCall memory);
Answer add_to_physmap_batch(MemoryCall memory);
Answer remove_from_physmap(MemoryCall memory);

/// Pages of a domain's for its toolstack (memory_op_resource.cpp). A guest that is not privileged
/// hears XEN_EOPNOTSUPP, as on Xen.
Answer acquire_resource(MemoryCall memory);

}  // namespace hv

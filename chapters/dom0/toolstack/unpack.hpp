// Unpacking kernels: Debian's own decompression libraries, behind one door.
#pragma once

#include "bzimage.hpp"

#include <memory>
#include <string>

namespace dom0 {

/// Bytes on the heap whose size is known only when they have been made. Unlike a vector, they are
/// not cleared first: an unpacked kernel is 50 MiB.
struct Bytes {
    std::unique_ptr<u8[]> data;
    size_t size = 0;

    std::span<const u8> view() const { return {data.get(), size}; }
};

/// The kernel inside a bzImage. XEN_EOPNOTSUPP: packed in a way that this build cannot undo;
/// XEN_EINVAL: the packed data is damaged; XEN_ENOMEM: it would not fit into dom0's memory.
Result<Bytes> unpack(const Payload& payload);

/// What unpack()'s error means for a kernel packed so, in words for a person.
std::string why_not(Packing packing, Errno code);

}  // namespace dom0

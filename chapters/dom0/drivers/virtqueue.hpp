// A virtqueue: buffers that are lent to a device, and come back when it has used them.
#pragma once

#include <kit/types.hpp>
#include <optional>
#include <vector>

struct vring_desc;
struct vring_avail;
struct vring_used;

namespace dom0 {

using namespace kit;

/// Slot n is the buffer of descriptor n. What the device writes into its ring is hostile: a slot
/// comes back only when it was lent, and a length goes no further than its buffer.
class Virtqueue {
public:
    enum class Device : bool { reads, writes };

    /// A queue of `entries`, as many as the device says, which lend `slots` of them at most.
    /// `memory` is zeroed, page aligned, and bytes(entries) long.
    Virtqueue(void* memory, u16 entries, u16 slots);

    /// What the rings take of memory. Virtio 1.x, 2.7.2, "Legacy Interfaces: A Note on Virtqueue
    /// Layout".
    static size_t bytes(u16 entries);

    /// Lends a slot that is here: `length` bytes, 1 at least. dom0's addresses are the machine's.
    void lend(u16 slot, const void* buffer, u32 length, Device device);

    struct Used {
        u16 slot;
        u32 length; // how many bytes the device has written
    };
    /// The next slot that has come back.
    std::optional<Used> take_back();

    /// A slot that is not lent.
    std::optional<u16> slot_here() const;

    /// Asks the device for no interrupts when slots come back.
    void be_quiet();

private:
    u16 entries_;
    vring_desc* descriptors_;
    vring_avail* available_;
    const vring_used* used_;
    std::vector<u32> lent_; // how long each slot's buffer is; 0: it is here
    u16 seen_ = 0;          // of used_'s entries
};

}  // namespace dom0

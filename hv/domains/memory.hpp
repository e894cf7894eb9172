// A domain's RAM: frames given, taken, lent to another domain, and let go when the last use ends.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// Frames whose mappings are gone, but which a pCPU may still reach through a cached translation.
/// Settling raises the domain's generation, kicks every pCPU that is inside its guest, waits until
/// each has left, and only then ends the frames' uses. It settles when full, and at its own end;
/// no lock may be held then. Waiting is short and safe: a pCPU in the hypervisor counts as left,
/// unless it is in the middle of a copy (guest_memory.cpp).
class Quarantine {
public:
    explicit Quarantine(Domain& domain) : domain_{domain} {}
    ~Quarantine() noexcept(false) { settle(); }  // a hosted panic throws
    Quarantine(const Quarantine&) = delete;
    Quarantine& operator=(const Quarantine&) = delete;

    /// Takes over `uses` uses of each of 2^order frames; settles when that makes it full.
    void put(Mfn frame, u8 order, u8 uses);
    /// Takes over a table that a CPU may still be walking. Never settles: the p2m's lock is held.
    void put_table(Mfn table);
    void settle();

private:
    struct Held {
        u32 frame;  ///< its number, as frames' rows keep it
        u8 order, uses;
    };
    void keep_walks(u64 ended) const;

    static constexpr size_t capacity = 8;
    Domain& domain_;
    Held held_[capacity];     ///< the first count_ of them
    u32 count_ = 0;
    Mfn tables_{};            ///< the first of the tables, linked by their frames' rows; 0: none
    bool changed_ = false;
};

/// Gives `domain` 2^order new frames of RAM at `gfn`. XEN_ENOMEM, XEN_EEXIST, XEN_EPERM beyond its
/// limit, and XEN_ESRCH once it is dying.
Result<> give_ram(Domain& domain, Gfn gfn, u8 order);
/// Takes its RAM at [gfn, gfn + 2^order) back for good. XEN_ENOENT when there is none of its own.
Result<> take_ram(Domain& domain, Gfn gfn, u8 order, Quarantine& quarantine);
/// Maps a frame that is not `domain`'s RAM (shared_info, a grant frame, another domain's page) at
/// `gfn`, in place of whatever was there: RAM that stood there goes back to the machine, as on Xen.
Result<> place_frame(Domain& domain, Gfn gfn, Mfn frame, x86::Access access,
                     Quarantine& quarantine);
/// How many uses of a frame in its p2m the domain ends to be rid of it: its own RAM is also owned.
u8 uses_of(const Domain& domain, Mfn frame);
/// Removes whatever is mapped at `gfn`. RAM of its own stays its own, without a place.
Result<> unplace_frame(Domain& domain, Gfn gfn, Quarantine& quarantine);

/// Keeps a frame of the domain's own RAM that has no place any more: as on Xen it stays its own
/// until it dies.
void orphan(Domain& domain, Mfn frame);
/// Lets go of one such frame; false when there is none. The domain is dying.
bool release_orphan(Domain& domain);

/// One use more, or one less, of a frame; with the last use the frame is scrubbed and free, and a
/// dying owner that it held to the world may leave.
void add_use(Machine& machine, Mfn frame);
void end_use(Machine& machine, Mfn frame);
/// Ends `uses` uses of each of 2^order frames.
void end_uses(Machine& machine, Mfn block, u8 order, u8 uses);

/// A frame of the hypervisor's own, shown to a domain (shared_info): zeroed, one use.
Result<Mfn> take_shared_frame(Machine& machine);

}  // namespace hv

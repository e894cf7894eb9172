// The p2m: from a guest's frame numbers to the machine's, in the tables that the CPU walks.
#pragma once

#include <atomic>
#include <boot/frames.hpp>
#include <x86/page_table.hpp>

namespace hv {

struct Machine;
class Quarantine;

/// What a guest frame is: its own frame, and the rest of the mapping that covers it.
using GuestFrame = x86::Mapping;

/// One domain's nested tables: EPT or NPT, as the machine's engine spells them. It maps and unmaps;
/// whose frames they are and when they are let go is memory.hpp's affair.
class P2m {
public:
    explicit P2m(Machine& machine);

    Result<> open();                       ///< takes the root table
    /// From now on it takes no mapping: its domain is taken apart.
    void seal();
    /// Gives every table back; nobody may come here any more.
    void close();

    /// Maps 2^order frames. XEN_EEXIST when any of them is mapped already; XEN_ENOMEM; XEN_ESRCH
    /// once it is sealed. An empty table in whose place a larger page comes goes to `quarantine`;
    /// without one, no CPU may have been here.
    Result<> add(Gfn gfn, Mfn frame, u8 order, x86::Access access,
                 x86::MemoryType type = x86::MemoryType::write_back,
                 Quarantine* quarantine = nullptr);
    /// Unmaps 2^order frames of one page and returns the first of them, which are the caller's to
    /// quarantine. XEN_ENOENT when no page maps them all. A borrowed page stays, and on request
    /// whatever `owner` does not own: XEN_EINVAL.
    Result<Mfn> remove(Gfn gfn, u8 order, DomainId owner = owner_nobody);
    /// The same for a borrowed page, and nothing else.
    Result<Mfn> return_borrowed(Gfn gfn);
    /// What `gfn` is now. XEN_ENOENT when it is nothing.
    Result<GuestFrame> look_up(Gfn gfn);
    /// The same for who is inside the domain (see Whereabouts), and as its CPUs do it: without the
    /// lock, for after every single write they find the old tables or the new ones.
    Result<GuestFrame> find(Gfn gfn);
    /// The same, and one use of the frame begins before anybody can take it away; the caller ends
    /// it (memory.hpp). XEN_ENOENT also for what is no RAM, or only borrowed.
    Result<GuestFrame> hold(Gfn gfn);
    /// The same, of the RAM that `owner` itself owns; XEN_ENOENT also where it may not be written
    /// and shall be.
    Result<Mfn> hold_own(Gfn gfn, DomainId owner, bool write);
    /// The first mapping at or above `gfn`, with where it begins; XEN_ENOENT when there is none.
    Result<GuestFrame> next_mapping(Gfn& gfn);
    Gfn highest() const { return highest_; }  ///< the highest frame that was ever mapped

    /// How many frames its tables may take, so that no guest maps the machine full of them:
    /// XEN_DOMCTL_set_paging_mempool_size. Until then 1 MiB, as on Xen.
    u64 pool = MiB >> page_shift;

    Mpa root() const { return root_; }
    u64 table_frames() const { return table_frames_; }
    /// Rises with every change that takes a translation away. No two p2ms of a machine ever have
    /// the same: the upper half is the p2m's own number.
    u64 generation() const { return generation_.load(std::memory_order_acquire); }
    /// Returns the one that ended.
    u64 raise_generation() { return generation_.fetch_add(1, std::memory_order_seq_cst); }

private:
    Result<GuestFrame> find_here(Gfn gfn, x86::LastTable* last);

    Machine& machine_;
    Spinlock lock_{LockRank::p2m};
    Mpa root_{};
    x86::LastTable last_{};
    bool sealed_ = false;
    Gfn highest_{};
    std::atomic<u64> generation_;
    u64 table_frames_ = 0;
};

}  // namespace hv

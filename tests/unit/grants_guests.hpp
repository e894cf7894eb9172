// A machine with grants, and guests that promise, map and copy as the public header tells.
#pragma once

#include <boot/hosted/twin.hpp>
#include <grants/grant_table.hpp>
#include <unit/small_machine.hpp>

namespace hv::test {

/// dom0, `owner`, who promises pages, and `taker`, who takes them. Each has 2 MiB at 0, a table of
/// up to 4 frames, and 256 handles.
class GrantGuests : public ::testing::Test {
protected:
    Machine& machine() { return small.machine(); }
    u64 free() { return machine().frames.free_count(); }
    u32 uses(Mfn frame) { return machine().frames.row(frame).uses; }

    /// GNTTABOP_* with one structure, which comes back as the hypervisor left it.
    template <class Wish>
    s64 op(Domain& caller, unsigned operation, Wish& wish, u64 at = 0x8000) {
        small.put(caller, at, wish);
        const s64 result = small.call(caller, __HYPERVISOR_grant_table_op, {operation, at, 1});
        small.get(caller, at, wish);
        return result;
    }
    s64 set_version(Domain& domain, u32 version) {
        gnttab_set_version_t wish{version};
        const s64 result = op(domain, GNTTABOP_set_version, wish);
        EXPECT_EQ(wish.version, grants_of(domain).version);
        return result;
    }

    u8* entry(Domain& domain, GrantRef ref) {
        GrantTable& table = grants_of(domain);
        const u64 byte = u64{ref} * (page_size / table.entries_per_frame());
        return machine().memory.at(table.frames[byte / page_size]) + byte % page_size;
    }
    grant_entry_v1_t& first(Domain& domain, GrantRef ref) {
        return *reinterpret_cast<grant_entry_v1_t*>(entry(domain, ref));
    }
    grant_entry_v2_t& second(Domain& domain, GrantRef ref) {
        return *reinterpret_cast<grant_entry_v2_t*>(entry(domain, ref));
    }
    /// Lets `by` promise a page, in the layout that its table has.
    void promise(Domain& by, GrantRef ref, const Domain& to, u32 gfn,
                 u16 flags = GTF_permit_access) {
        if (grants_of(by).version == 1) {
            first(by, ref) = {flags, to.id, gfn};
        } else {
            second(by, ref).full_page.frame = gfn;
            second(by, ref).hdr = {flags, to.id};
        }
    }
    /// What its guest reads of the use of a promise: GTF_reading, GTF_writing.
    u16 in_use(Domain& domain, GrantRef ref) {
        GrantTable& table = grants_of(domain);
        const u16 flags =
            table.version == 1
                ? first(domain, ref).flags
                : machine().memory.as<u16>(address_of(table.status_frames[0]))[ref];
        return flags & (GTF_reading | GTF_writing);
    }

    gnttab_map_grant_ref_t map(Domain& by, const Domain& from, GrantRef ref, u64 gfn,
                               u32 flags = GNTMAP_host_map) {
        gnttab_map_grant_ref_t wish{};
        wish.host_addr = gfn << page_shift;
        wish.flags = flags;
        wish.ref = ref;
        wish.dom = from.id;
        EXPECT_EQ(op(by, GNTTABOP_map_grant_ref, wish), 0);
        return wish;
    }
    s16 unmap(Domain& by, GrantHandle handle, u64 gfn) {
        gnttab_unmap_grant_ref_t wish{};
        wish.host_addr = gfn << page_shift;
        wish.handle = handle;
        EXPECT_EQ(op(by, GNTTABOP_unmap_grant_ref, wish), 0);
        return wish.status;
    }
    void end(Domain& domain) {
        const DomainRef held = find_domain(machine(), domain.id);
        while (destroy(small.cpu(), domain) == Progress::again)
            ;
    }

    static constexpr u16 read = GTF_reading, both = GTF_reading | GTF_writing;
    static constexpr u64 hole = 0x400;  ///< a number where a guest has nothing
    static constexpr u32 read_only_map = GNTMAP_host_map | GNTMAP_readonly;

    SmallMachine small{64 * MiB, 2};
    bool opened = grants::plug.open(small.machine(), small.cpu()).ok();
    Domain& dom0 = small.add_domain();
    const u64 before = free();
    Domain& owner = small.add_domain();
    Domain& taker = small.add_domain();
};

}  // namespace hv::test

// grant_table_op, its use: pages that this guest promises itself, mapped, copied and swapped.
#include "ask.hpp"

#include <kit/cpu.hpp>

namespace oracle {
namespace {

constexpr u64 place = 0x62000;  // outside of RAM
alignas(page_size) u8 source[page_size], target[page_size];
// Xen moves a page that its own owner maps: each is mapped once, and then it is gone
alignas(page_size) u8 mapped_once[5][page_size];

struct Table {
    u16 self;  ///< our own number
    grant_entry_v1_t* entries;

    void promise(grant_ref_t ref, u16 to, u64 gfn, u16 flags = GTF_permit_access) const {
        entries[ref] = {flags, to, u32(gfn)};
    }
    u16 flags(grant_ref_t ref) const {
        return __atomic_load_n(&entries[ref].flags, __ATOMIC_RELAXED);
    }
};

template <class T> long grant(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_grant_table_op, command, address(&argument), 1);
}

u64 gfn_of(const void* page) { return address(page) >> page_shift; }

gnttab_map_grant_ref map(u16 domain, grant_ref_t ref, u64 gfn, u32 flags = GNTMAP_host_map) {
    gnttab_map_grant_ref wish = {};
    wish.host_addr = gfn << page_shift;
    wish.flags = flags;
    wish.ref = ref;
    wish.dom = domain;
    if (grant(GNTTABOP_map_grant_ref, wish) != 0) wish.status = 1;
    return wish;
}

s16 unmap(grant_handle_t handle, u64 gfn) {
    gnttab_unmap_grant_ref wish = {};
    wish.host_addr = gfn << page_shift;
    wish.handle = handle;
    return grant(GNTTABOP_unmap_grant_ref, wish) == 0 ? wish.status : s16{1};
}

void ask_maps(const Table& table) {
    const auto ask = [&](std::string_view name, u16 domain, grant_ref_t ref,
                         u32 flags = GNTMAP_host_map) {
        const auto mapped = map(domain, ref, place, flags);
        tell("promises.map", name, plain(mapped.status));
        if (mapped.status == GNTST_okay) {
            tell("promises.map, flags", name, hex(table.flags(ref)));
            tell("promises.map, given back", name, plain(unmap(mapped.handle, place)));
        }
        if (ref < 512) tell("promises.map, flags after", name, hex(table.flags(ref)));
    };
    ask("one's own", table.self, 16);
    ask("read-only", table.self, 17, GNTMAP_host_map | GNTMAP_readonly);
    ask("a read-only promise", table.self, 18);
    ask("a read-only promise, read-only", table.self, 18, GNTMAP_host_map | GNTMAP_readonly);
    ask("another's promise", table.self, 10);
    ask("no promise", table.self, 20);
    ask("a page that is no RAM", table.self, 11);
    ask("a transfer", table.self, 12);
    ask("with cache flags", table.self, 13);
    ask("reference 512", table.self, 512);
    ask("reference of all ones", table.self, ~0u);
    ask("of nobody", 9999, 8);
    ask("of DOMID_SELF", DOMID_SELF, 8);
    ask("flags of 0", table.self, 8, 0);
    ask("for a device", table.self, 8, GNTMAP_host_map | GNTMAP_device_map);
    ask("for an application", table.self, 8, GNTMAP_host_map | GNTMAP_application_map);
    ask("by an entry", table.self, 8, GNTMAP_host_map | GNTMAP_contains_pte);
    ask("with a guest's bit", table.self, 8, GNTMAP_host_map | 1u << 16);
}

void ask_unmaps(const Table& table) {
    tell("promises.unmap", "a handle of all ones", plain(unmap(~0u, place)));
    tell("promises.unmap", "handle 5000", plain(unmap(5000, place)));
    const auto mapped = map(table.self, 19, place);
    tell("promises.unmap", "at address 0", plain(unmap(mapped.handle, 0)));
    tell("promises.unmap", "elsewhere", plain(unmap(mapped.handle, place + 1)));
    gnttab_swap_grant_ref swap = {8, 19, 0};
    (void)grant(GNTTABOP_swap_grant_ref, swap);
    tell("promises.swap, status", "one in use", plain(swap.status));
    tell("promises.unmap", "in place", plain(unmap(mapped.handle, place)));
    tell("promises.unmap", "again", plain(unmap(mapped.handle, place)));
}

void ask_copies(const Table& table) {
    struct Case {
        std::string_view name;
        grant_ref_t ref = 8;
        u16 offset = 0, length = page_size, flags = GNTCOPY_source_gref, domain = 0;
    };
    const Case cases[] = {
        {"a page"}, {"no byte", ~0u, 0, 0}, {"a byte too many", 8, 0, page_size + 1},
        {"across the end", 8, 1}, {"a read-only promise", 9}, {"another's promise", 10},
        {"no promise", 20}, {"a page that is no RAM", 11}, {"reference 512", 512},
        {"of nobody", 8, 0, 8, GNTCOPY_source_gref, 9999}, {"another's frame", 8, 0, 8, 0, 1},
    };
    for (const Case& one : cases) {
        gnttab_copy wish = {};
        wish.source.u.gmfn = one.ref;
        wish.source.domid = one.domain != 0 ? one.domain : table.self;
        wish.source.offset = one.offset;
        wish.dest.u.gmfn = gfn_of(target);
        wish.dest.domid = DOMID_SELF;
        wish.len = one.length;
        wish.flags = one.flags;
        tell("promises.copy", one.name, grant(GNTTABOP_copy, wish));
        tell("promises.copy, status", one.name, plain(wish.status));
    }
    tell("promises.copy: it arrived", target[5] == source[5]);
    tell("promises.copy: the promise is free", hex(table.flags(8)));
}

void ask_swaps(const Table& table) {
    const auto ask = [&](std::string_view name, grant_ref_t a, grant_ref_t b) {
        gnttab_swap_grant_ref wish = {a, b, 0};
        tell("promises.swap", name, grant(GNTTABOP_swap_grant_ref, wish));
        tell("promises.swap, status", name, plain(wish.status));
    };
    ask("two", 8, 9);
    ask("one with itself", 8, 8);
    ask("one that is none", 8, 512);
    tell("promises.swap: it has moved", hex(table.flags(8)));
}

}  // namespace

void ask_promises() {
    xen_add_to_physmap wish = {};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_grant_table;
    wish.gpfn = place + 16;
    tell("promises.table",
         hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, address(&wish)));
    const Table table{u16(cpuid(xen_cpuid_base() + 4).ecx),
                      reinterpret_cast<grant_entry_v1_t*>((place + 16) << page_shift)};
    source[5] = 55;
    table.promise(8, table.self, gfn_of(source));
    table.promise(9, table.self, gfn_of(source), GTF_permit_access | GTF_readonly);
    table.promise(10, 0, gfn_of(source));
    table.promise(11, table.self, place + 100);
    table.promise(12, table.self, gfn_of(source), GTF_accept_transfer);
    table.promise(13, table.self, gfn_of(mapped_once[4]), GTF_permit_access | GTF_PCD);
    for (u32 i = 0; i < 4; i++)
        table.promise(16 + i, table.self, gfn_of(mapped_once[i]),
                      i == 2 ? GTF_permit_access | GTF_readonly : GTF_permit_access);
    ask_maps(table);
    ask_unmaps(table);
    ask_copies(table);
    ask_swaps(table);
}

}  // namespace oracle

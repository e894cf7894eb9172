// memory_op, the map (xen/memory.h): what is placed at a guest's frame numbers, and taken away.
#include "attempt.hpp"
#include "places.hpp"

#include <kit/heap.hpp>

namespace oracle {
namespace {

constexpr u64 place = 0x61000;  // outside of RAM

long add(u32 space, u64 index, u64 gfn, u16 domain = DOMID_SELF, u16 size = 0) {
    xen_add_to_physmap wish = {};
    wish.domid = domain;
    wish.size = size;
    wish.space = space;
    wish.idx = index;
    wish.gpfn = gfn;
    return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, address(&wish));
}

long remove(u64 gfn, u16 domain = DOMID_SELF) {
    xen_remove_from_physmap wish = {domain, gfn};
    return hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, address(&wish));
}

u64 read_word(u64 gfn) { return try_read(gfn << page_shift, 8).value; }

void ask_add() {
    struct Case {
        std::string_view name;
        u32 space;
        u64 index, gfn;
        u16 domain = DOMID_SELF;
    };
    constexpr Case cases[] = {
        {"shared_info", XENMAPSPACE_shared_info, 0, place},
        {"shared_info again", XENMAPSPACE_shared_info, 0, place},
        {"shared_info elsewhere", XENMAPSPACE_shared_info, 0, place + 1},
        {"shared_info, index 1", XENMAPSPACE_shared_info, 1, place},
        {"grant frame 0", XENMAPSPACE_grant_table, 0, place + 2},
        {"grant frame 1", XENMAPSPACE_grant_table, 1, place + 3},
        {"grant frame 63", XENMAPSPACE_grant_table, 63, place + 4},
        {"grant frame 64", XENMAPSPACE_grant_table, 64, place + 5},
        {"grant frame of all ones", XENMAPSPACE_grant_table, ~0ull, place + 5},
        {"status frame 0", XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, place + 6},
        {"gmfn without RAM", XENMAPSPACE_gmfn, place + 100, place + 7},
        {"gmfn of all ones", XENMAPSPACE_gmfn, ~0ull, place + 7},
        {"gmfn_range, size 0", XENMAPSPACE_gmfn_range, place + 100, place + 7},
        {"gmfn_foreign", XENMAPSPACE_gmfn_foreign, 0, place + 8},
        {"dev_mmio", XENMAPSPACE_dev_mmio, 0, place + 9},
        {"space 6", 6, 0, place + 9},
        {"space of all ones", ~0u, 0, place + 9},
        {"gfn of all ones", XENMAPSPACE_shared_info, 0, ~0ull},
        {"gfn 2^36", XENMAPSPACE_shared_info, 0, 1ull << 36},
        {"gfn 2^40", XENMAPSPACE_shared_info, 0, 1ull << 40},
        {"dom0's shared_info", XENMAPSPACE_shared_info, 0, place, 0},
        {"nobody's shared_info", XENMAPSPACE_shared_info, 0, place, 9999},
        {"space 6 of dom0", 6, 0, place, 0},
    };
    for (const Case& one : cases)
        tell("physmap.add", one.name, add(one.space, one.index, one.gfn, one.domain));
    xen_add_to_physmap wish = {};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_shared_info;
    wish.gpfn = place;
    tell_at_places("physmap.add at", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, at);
    });
}

void ask_moves() {
    auto* pages = static_cast<u64*>(take_pages(2));
    const u64 first = address(pages) >> page_shift;
    pages[0] = 1111;
    pages[512] = 2222;
    tell("physmap.move: to a hole", add(XENMAPSPACE_gmfn, first, place + 16));
    tell("physmap.move: the new place holds", long(read_word(place + 16)));
    tell("physmap.move: the old place holds", hex(read_word(first)));
    tell("physmap.move: over another page", add(XENMAPSPACE_gmfn, place + 16, first + 1));
    tell("physmap.move: that page holds", long(read_word(first + 1)));
    tell("physmap.move: onto itself", add(XENMAPSPACE_gmfn, first + 1, first + 1));
    tell("physmap.move: onto itself, it holds", long(read_word(first + 1)));
    tell("physmap.move: shared_info", add(XENMAPSPACE_gmfn, place, place + 17));
    tell("physmap.range: two, a hole among them",
         add(XENMAPSPACE_gmfn_range, first, place + 20, DOMID_SELF, 2));
    tell("physmap.range: one", add(XENMAPSPACE_gmfn_range, first + 1, place + 20, DOMID_SELF, 1));
    tell("physmap.range: it holds", long(read_word(place + 20)));
}

void ask_remove() {
    auto* page = static_cast<u64*>(take_pages(1));
    const u64 gfn = address(page) >> page_shift;
    page[0] = 3333;
    tell("physmap.remove: a hole", remove(place + 99));
    tell("physmap.remove: own RAM", remove(gfn));
    tell("physmap.remove: it holds", hex(read_word(gfn)));
    tell("physmap.remove: again", remove(gfn));
    tell("physmap.remove: shared_info", remove(place));
    tell("physmap.remove: a grant frame", remove(place + 2));
    tell("physmap.remove: all ones", remove(~0ull));
    tell("physmap.remove: 2^36", remove(1ull << 36));
    tell("physmap.remove: of dom0", remove(gfn, 0));
    tell("physmap.remove: of nobody", remove(gfn, 9999));
    const xen_remove_from_physmap wish = {DOMID_SELF, place + 99};
    tell_at_places("physmap.remove at", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, at);
    });
}

/// A batch of two: the second is what `second` says; its errors are told too.
void ask_batch(std::string_view name, u16 space, u64 second, u16 size = 2,
               u16 domain = DOMID_SELF, u16 foreign = 0) {
    xen_ulong_t indexes[] = {0, second};
    xen_pfn_t gfns[] = {place + 40, place + 41};
    int errors[] = {77, 77};
    xen_add_to_physmap_batch wish = {};
    wish.domid = domain;
    wish.space = space;
    wish.size = size;
    wish.u.foreign_domid = foreign;
    set_xen_guest_handle(wish.idxs, indexes);
    set_xen_guest_handle(wish.gpfns, gfns);
    set_xen_guest_handle(wish.errs, errors);
    tell("physmap.batch", name,
         hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, address(&wish)));
    tell("physmap.batch, first error", name, errors[0]);
    tell("physmap.batch, second error", name, errors[1]);
}

/// Each of the batch's three lists in a place that cannot be reached.
void ask_batch_lists() {
    for (unsigned absent = 0; absent < 3; absent++) {
        xen_ulong_t indexes[] = {0};
        xen_pfn_t gfns[] = {place + 40};
        int errors[] = {77};
        xen_add_to_physmap_batch wish = {};
        wish.domid = DOMID_SELF;
        wish.space = XENMAPSPACE_grant_table;
        wish.size = 1;
        wish.idxs.p = absent == 0 ? reinterpret_cast<xen_ulong_t*>(absent_page()) : indexes;
        wish.gpfns.p = absent == 1 ? reinterpret_cast<xen_pfn_t*>(absent_page()) : gfns;
        wish.errs.p = absent == 2 ? reinterpret_cast<int*>(absent_page()) : errors;
        tell("physmap.batch, absent list", words("{}", absent),
             hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, address(&wish)));
    }
}

}  // namespace

void ask_physmap() {
    ask_add();
    ask_moves();
    ask_batch("grant frames", XENMAPSPACE_grant_table, 1);
    ask_batch("one beyond the limit", XENMAPSPACE_grant_table, 64);
    ask_batch("empty", XENMAPSPACE_grant_table, 1, 0);
    ask_batch("shared_info", XENMAPSPACE_shared_info, 0);
    ask_batch("foreign of dom0", XENMAPSPACE_gmfn_foreign, 0);
    ask_batch("foreign of nobody", XENMAPSPACE_gmfn_foreign, 0, 2, DOMID_SELF, 9999);
    ask_batch("foreign of oneself", XENMAPSPACE_gmfn_foreign, 0, 2, DOMID_SELF, DOMID_SELF);
    ask_batch("gmfn_range", XENMAPSPACE_gmfn_range, 0);
    ask_batch("space 9", 9, 0);
    ask_batch("of dom0", XENMAPSPACE_grant_table, 0, 2, 0);
    ask_batch("of nobody", XENMAPSPACE_grant_table, 0, 2, 9999);
    ask_batch_lists();
    ask_remove();
}

}  // namespace oracle

// grant_table_op with the second layout of entries: status frames, parts of pages, and promises of
// what another has promised.
#include "ask.hpp"

#include <kit/cpu.hpp>

namespace oracle {
namespace {

constexpr u64 place = 0x62000;  // outside of RAM
alignas(page_size) u8 source[page_size], target[page_size];
// Xen moves a page that its own owner maps: each is mapped once, and then it is gone
alignas(page_size) u8 mapped_once[3][page_size];

template <class T> long grant(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_grant_table_op, command, address(&argument), 1);
}

u64 gfn_of(const void* page) { return address(page) >> page_shift; }

/// Where this guest sees its entries, and what is said of their use.
struct Table {
    u16 self;  ///< our own number
    grant_entry_v2_t* entries = reinterpret_cast<grant_entry_v2_t*>((place + 16) << page_shift);
    u16* status = reinterpret_cast<u16*>((place + 17) << page_shift);

    void promise(grant_ref_t ref, u16 flags, u64 gfn, u16 to) const {
        entries[ref].full_page.frame = gfn;
        entries[ref].hdr = {flags, to};
    }
    void promise_part(grant_ref_t ref, u16 offset, u16 length, u16 flags = 0) const {
        entries[ref].sub_page.page_off = offset;
        entries[ref].sub_page.length = length;
        promise(ref, u16(GTF_permit_access | GTF_sub_page | flags), gfn_of(source), self);
    }
    void pass_on(grant_ref_t ref, u16 from, grant_ref_t theirs) const {
        entries[ref].transitive.trans_domid = from;
        entries[ref].transitive.gref = theirs;
        entries[ref].hdr = {GTF_transitive, self};
    }
    void tell_use(std::string_view question, std::string_view name, grant_ref_t ref) const {
        if (ref >= 256) return;
        tell(question, name, hex(__atomic_load_n(&status[ref], __ATOMIC_RELAXED)));
    }
};

/// Asks for a frame of the table, or of its status, at a place of its own.
void ask_frame(std::string_view name, u64 index, u64 where) {
    xen_add_to_physmap wish = {};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_grant_table;
    wish.idx = index;
    wish.gpfn = where;
    tell("second.frame", name, memory_op(XENMEM_add_to_physmap, &wish).ok());
}

void ask_version(std::string_view name, u32 version) {
    gnttab_set_version wish = {version};
    tell("second.version", name, grant(GNTTABOP_set_version, wish));
    tell("second.version, it is", name, wish.version);
}

gnttab_map_grant_ref map(const Table& table, grant_ref_t ref, u32 flags = GNTMAP_host_map) {
    gnttab_map_grant_ref wish = {};
    wish.host_addr = place << page_shift;
    wish.flags = flags;
    wish.ref = ref;
    wish.dom = table.self;
    if (grant(GNTTABOP_map_grant_ref, wish) != 0) wish.status = 1;
    return wish;
}

s16 unmap(grant_handle_t handle) {
    gnttab_unmap_grant_ref wish = {};
    wish.host_addr = place << page_shift;
    wish.handle = handle;
    return grant(GNTTABOP_unmap_grant_ref, wish) == 0 ? wish.status : s16{1};
}

void ask_maps(const Table& table) {
    const auto ask = [&](std::string_view name, grant_ref_t ref, u32 flags = GNTMAP_host_map) {
        const auto mapped = map(table, ref, flags);
        tell("second.map", name, plain(mapped.status));
        if (mapped.status == GNTST_okay) {
            table.tell_use("second.map, in use", name, ref);
            ask_version(words("while {} is mapped", name).view(), 1);
            tell("second.map, given back", name, plain(unmap(mapped.handle)));
        }
        table.tell_use("second.map, in use after", name, ref);
    };
    ask("one's own", 32);
    ask("read-only", 33, GNTMAP_host_map | GNTMAP_readonly);
    ask("a read-only promise", 9);
    ask("another's promise", 10);
    ask("a page that is no RAM", 11);
    ask("a transfer", 12);
    ask("a part", 13);
    ask("one that is passed on", 16);
    ask("no promise", 24);
    ask("reference 256", 256);
    ask("reference of all ones", ~0u);
}

/// One copy, from a reference or to one; whatever is not told is a frame of our own.
struct Copy {
    std::string_view name;
    grant_ref_t ref;
    u16 offset = 0, length = 8;
    bool writes = false;
};

void ask_copies(const Table& table) {
    const Copy copies[] = {
        {"a page", 8, 0, page_size},
        {"to a promise", 8, 64, 8, true},
        {"across the end", 8, 4089, 8},
        {"a read-only promise", 9},
        {"to a read-only promise", 9, 0, 8, true},
        {"another's promise", 10},
        {"a page that is no RAM", 11},
        {"a transfer", 12},
        {"a part", 13, 16, 32},
        {"of a part", 13, 40, 8},
        {"before a part", 13, 8, 16},
        {"beyond a part", 13, 32, 17},
        {"nothing of a part", 13, 16, 0},
        {"to a part", 13, 20, 8, true},
        {"to beyond a part", 13, 44, 8, true},
        {"a part over the end", 14, 4090, 6},
        {"a part of nothing", 15, 16, 1},
        {"a part that is longer than a page", 25, 16, page_size - 16},
        {"passed on", 16, 0, page_size},
        {"to one passed on", 16, 8, 8, true},
        {"passed on, a read-only one", 17},
        {"to one passed on, read-only", 17, 0, 8, true},
        {"passed on, of nobody", 18},
        {"passed on, no promise", 19},
        {"passed on, reference 256", 20},
        {"passed on twice", 21},
        {"passed on, a part", 22, 16, 32},
        {"passed on, before a part", 22, 0, 8},
        {"passed on by itself", 23},
        {"no promise", 24},
        {"reference 256", 256},
        {"reference of all ones", ~0u},
    };
    for (const Copy& one : copies) {
        gnttab_copy wish = {};
        auto& theirs = one.writes ? wish.dest : wish.source;
        auto& ours = one.writes ? wish.source : wish.dest;
        theirs.u.ref = one.ref;
        theirs.domid = table.self;
        theirs.offset = one.offset;
        ours.u.gmfn = gfn_of(target);
        ours.domid = DOMID_SELF;
        wish.len = one.length;
        wish.flags = one.writes ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
        tell("second.copy", one.name, grant(GNTTABOP_copy, wish));
        tell("second.copy, status", one.name, plain(wish.status));
        table.tell_use("second.copy, in use after", one.name, one.ref);
    }
    gnttab_copy both = {};
    both.source = {{8}, table.self, 0};
    both.dest = {{16}, table.self, 128};
    both.len = 8;
    both.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    tell("second.copy: from a promise to one", grant(GNTTABOP_copy, both));
    tell("second.copy: from a promise to one, status", plain(both.status));
    both.flags = 1 << 7;
    tell("second.copy: with a wild flag", grant(GNTTABOP_copy, both));
    tell("second.copy: with a wild flag, status", plain(both.status));
}

void ask_swap(const Table& table) {
    gnttab_swap_grant_ref wish = {8, 16, 0};
    tell("second.swap", grant(GNTTABOP_swap_grant_ref, wish));
    tell("second.swap, status", plain(wish.status));
    tell("second.swap: it has moved", hex(table.entries[8].hdr.flags));
    wish = {8, 256, 0};
    (void)grant(GNTTABOP_swap_grant_ref, wish);
    tell("second.swap, status", "reference 256", plain(wish.status));
}

}  // namespace

void ask_second() {
    ask_frame("status, in the first layout", XENMAPIDX_grant_table_status, place + 17);
    ask_frame("entries", 0, place + 16);
    ask_version("two", 2);
    ask_frame("status", XENMAPIDX_grant_table_status, place + 17);
    ask_frame("status that is none", XENMAPIDX_grant_table_status | 1000, place + 18);
    ask_frame("entries that are none", 1000, place + 18);
    const Table table{u16(cpuid(xen_cpuid_base() + 4).ecx)};
    table.promise(8, GTF_permit_access, gfn_of(source), table.self);
    table.promise(9, GTF_permit_access | GTF_readonly, gfn_of(source), table.self);
    table.promise(10, GTF_permit_access, gfn_of(source), 0);
    table.promise(11, GTF_permit_access, place + 100, table.self);
    table.promise(12, GTF_accept_transfer, gfn_of(source), table.self);
    table.promise_part(13, 16, 32);
    table.promise_part(14, 4090, 100);
    table.promise_part(15, 16, 0);
    table.promise_part(25, 16, 0xffff);
    table.pass_on(16, table.self, 8);
    table.pass_on(17, table.self, 9);
    table.pass_on(18, 9999, 8);
    table.pass_on(19, table.self, 24);
    table.pass_on(20, table.self, 256);
    table.pass_on(21, table.self, 16);
    table.pass_on(22, table.self, 13);
    table.pass_on(23, table.self, 23);
    for (u32 i = 0; i < 3; i++)
        table.promise(32 + i, GTF_permit_access, gfn_of(mapped_once[i]), table.self);
    ask_copies(table);
    ask_maps(table);
    ask_swap(table);
    ask_version("one again", 1);
    const auto* first = reinterpret_cast<const u16*>(table.entries);
    tell("second.version: what was promised is gone", first[8 * 4] == 0);
}

}  // namespace oracle

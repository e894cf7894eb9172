// grant_table_op (xen/grant_table.h), its set-up part: sizes, versions, and who may ask.
#include "places.hpp"

namespace oracle {
namespace {

template <class T> long grant(u32 command, T& argument, u64 count = 1) {
    return hypercall(__HYPERVISOR_grant_table_op, command, address(&argument), count);
}

void ask_size(std::string_view name, u16 domain) {
    gnttab_query_size wish = {};
    wish.dom = domain;
    tell("grants.size of", name, grant(GNTTABOP_query_size, wish));
    tell("grants.size, status of", name, plain(wish.status));
    if (wish.status != GNTST_okay) return;
    tell("grants.size, frames of", name, wish.nr_frames);
    tell("grants.size, limit of", name, wish.max_nr_frames);
}

void ask_setup(std::string_view name, u16 domain, u32 frames, u64 list) {
    gnttab_setup_table wish = {};
    wish.dom = domain;
    wish.nr_frames = frames;
    wish.frame_list.p = reinterpret_cast<xen_pfn_t*>(list);
    tell("grants.setup", name, grant(GNTTABOP_setup_table, wish));
    tell("grants.setup, status", name, plain(wish.status));
}

void ask_version_of(std::string_view name, u16 domain) {
    gnttab_get_version wish = {};
    wish.dom = domain;
    tell("grants.version of", name, grant(GNTTABOP_get_version, wish));
    tell("grants.version is", name, wish.version);
}

void ask_set_version(u32 version) {
    gnttab_set_version wish = {version};
    tell("grants.set version", words("{}", version), grant(GNTTABOP_set_version, wish));
    tell("grants.set version, it is", words("{}", version), wish.version);
}

}  // namespace

void ask_grants() {
    ask_size("oneself", DOMID_SELF);
    ask_size("dom0", 0);
    ask_size("nobody", 9999);
    u64 list[64] = {};
    ask_setup("one frame", DOMID_SELF, 1, address(list));
    tell("grants.setup: the frame's number is all ones", list[0] == ~0ull);
    ask_setup("four frames", DOMID_SELF, 4, address(list));
    ask_setup("no frame", DOMID_SELF, 0, address(list));
    ask_setup("the limit and one", DOMID_SELF, 65, address(list));
    ask_setup("all ones", DOMID_SELF, ~0u, address(list));
    ask_setup("an absent list", DOMID_SELF, 1, absent_page());
    ask_setup("dom0's", 0, 1, address(list));
    ask_setup("nobody's", 9999, 1, address(list));
    ask_size("oneself, grown", DOMID_SELF);
    ask_version_of("oneself", DOMID_SELF);
    ask_version_of("dom0", 0);
    ask_version_of("nobody", 9999);
    for (const u32 version : {0u, 1u, 2u, 3u, ~0u})
        ask_set_version(version);
    gnttab_set_version first = {1};
    (void)grant(GNTTABOP_set_version, first);
    gnttab_query_size two[2] = {};
    two[0].dom = two[1].dom = DOMID_SELF;
    tell("grants.size: two", grant(GNTTABOP_query_size, two, 2));
    tell("grants.size: none", grant(GNTTABOP_query_size, two, 0));
    tell("grants.setup: none", grant(GNTTABOP_setup_table, two, 0));
    for (u32 command = 0; command < 14; command++) {
        const auto name = words("command {}", command);
        const auto call = [&](u64 at, u64 count) {
            return hypercall(__HYPERVISOR_grant_table_op, command, at, count);
        };
        tell("grants.none", name, call(0, 0));
        tell("grants.absent", name, call(absent_page(), 1));
        tell("grants.too many", name, call(absent_page(), ~0ull));
        tell("grants.count of 2^31", name, call(absent_page(), 1ull << 31));
    }
    tell("grants.command: all ones", hypercall(__HYPERVISOR_grant_table_op, ~0u, 0, 0));
    const gnttab_query_size wish = {DOMID_SELF, 0, 0, 0};
    tell_at_places("grants.size at", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, at, 1);
    });
}

}  // namespace oracle

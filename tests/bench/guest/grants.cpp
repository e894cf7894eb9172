// Another domain's page: mapped and given back, and copied without a map (xen/grant_table.h).
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/grants.hpp>
#include <kit/guest.hpp>
#include <kit/heap.hpp>
#include <kit/hypercall.hpp>

namespace bench {
namespace {

/// The first that a table gives.
constexpr grant_ref_t reference = GNTTAB_NR_RESERVED_ENTRIES;
constinit GrantTable table;

/// Calls once for one item, and sees that it was done. The check costs three instructions.
template <class T> void grant_op(u32 command, T& wish) {
    if (hypercall(__HYPERVISOR_grant_table_op, command, address(&wish), 1) != 0 || wish.status != 0)
        hv::panic("grant operation {}: status {}", command, wish.status);
}

}  // namespace

void promise_a_page(u16 reader) {
    if (!table.open()) hv::panic("no grant table");
    const auto promised = table.promise(reader, take_pages(1), false);
    if (!promised || *promised != reference) hv::panic("no promise");
}

void measure_grants(u16 owner) {
    gnttab_map_grant_ref_t mapping = {};
    mapping.host_addr = take_address_space(1).value << page_shift;
    mapping.flags = GNTMAP_host_map;
    mapping.ref = reference;
    mapping.dom = owner;
    gnttab_unmap_grant_ref_t giving_back = {};
    giving_back.host_addr = mapping.host_addr;
    measure("grant-map-and-unmap", [&] {
        grant_op(GNTTABOP_map_grant_ref, mapping);
        giving_back.handle = mapping.handle;
        grant_op(GNTTABOP_unmap_grant_ref, giving_back);
    });

    gnttab_copy_t copy = {};
    copy.source.u.ref = reference;
    copy.source.domid = owner;
    copy.dest.u.gmfn = address(take_pages(1)) >> page_shift;
    copy.dest.domid = DOMID_SELF;
    copy.len = page_size;
    copy.flags = GNTCOPY_source_gref;
    measure("grant-copy-page", [&copy] { grant_op(GNTTABOP_copy, copy); });
}

}  // namespace bench

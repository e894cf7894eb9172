// Calls long enough to be put off and gone on with: their results are as if they were one piece.
#include "ask.hpp"

#include <kit/heap.hpp>

namespace oracle {
namespace {

constexpr u32 many = 2048;

/// Interrupts come all the while, and the guest takes none: the calls must give way to them.
void run_timer(bool on) {
    vcpu_set_periodic_timer period = {1'000'000};
    if (on)
        (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, address(&period));
    else
        (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
}

long reserve(u32 command, const u64* list, u32 count) {
    xen_memory_reservation wish = {};
    wish.extent_start.p = const_cast<xen_pfn_t*>(list);
    wish.nr_extents = count;
    wish.domid = DOMID_SELF;
    return hypercall(__HYPERVISOR_memory_op, command, address(&wish));
}

void ask_long_reservation() {
    auto* pages = static_cast<u8*>(take_pages(many));
    auto* list = static_cast<u64*>(take_pages(many * 8 / page_size));
    for (u32 i = 0; i < many; i++)
        list[i] = (address(pages) >> page_shift) + i;
    for (int round = 0; round < 2; round++) {
        tell("continuations.decrease", words("round {}", round),
             reserve(XENMEM_decrease_reservation, list, many));
        tell("continuations.populate", words("round {}", round),
             reserve(XENMEM_populate_physmap, list, many));
    }
    tell("continuations.decrease, the last is gone already",
         (void(reserve(XENMEM_decrease_reservation, list + many - 1, 1)),
          reserve(XENMEM_decrease_reservation, list, many)));
    tell("continuations.populate, all of them", reserve(XENMEM_populate_physmap, list, many));
    heap().give(pages);
    heap().give(list);
}

void ask_long_multicall() {
    constexpr u32 count = 1024;
    constexpr u64 bytes = count * sizeof(multicall_entry);
    auto* list = static_cast<multicall_entry*>(take_pages(pages_of(bytes)));
    for (u32 i = 0; i < count; i++)
        list[i] = {__HYPERVISOR_xen_version, 0x7777, {XENVER_version}};
    tell("continuations.multicall", hypercall(__HYPERVISOR_multicall, address(list), count));
    u32 right = 0;
    for (u32 i = 0; i < count; i++)
        right += list[i].result == 0x40011;
    tell("continuations.multicall: right results", right);

    auto* pages = static_cast<u8*>(take_pages(many));
    auto* gfns = static_cast<u64*>(take_pages(many * 8 / page_size));
    for (u32 i = 0; i < many; i++)
        gfns[i] = (address(pages) >> page_shift) + i;
    xen_memory_reservation wish = {};
    wish.extent_start.p = gfns;
    wish.nr_extents = many;
    wish.domid = DOMID_SELF;
    list[0] = {__HYPERVISOR_memory_op, 1, {XENMEM_decrease_reservation, address(&wish)}};
    list[1] = {__HYPERVISOR_memory_op, 1, {XENMEM_populate_physmap, address(&wish)}};
    tell("continuations.multicall of long calls",
         hypercall(__HYPERVISOR_multicall, address(list), 2));
    tell("continuations.multicall of long calls: first", long(list[0].result));
    tell("continuations.multicall of long calls: second", long(list[1].result));
    heap().give(pages);
}

}  // namespace

void ask_continuations() {
    run_timer(true);
    ask_long_reservation();
    ask_long_multicall();
    run_timer(false);
}

}  // namespace oracle

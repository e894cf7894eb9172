// Two domains that ring each other. The answering one is created first: its id is one less.
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/hypercall.hpp>

namespace bench {
namespace {

constexpr size_t count = 500;

void wait_after(u64 count_before) {
    while (upcall_count() == count_before)
        sleep_until_interrupt();
}

/// Finds the port that the domain before us has offered, among the first it can have.
u32 find_partner() {
    constexpr u32 ports = 32;
    const u16 partner = u16(own_id() - 1);
    for (u32 port = 1; port < ports; port++)
        if (auto local = bind_interdomain(partner, port)) return *local;
    return 0;
}

}  // namespace

u16 own_id() {
    const u32 base = xen_cpuid_base();
    const CpuidLeaf leaf = cpuid(base + 4);
    if ((leaf.eax & XEN_HVM_CPUID_DOMID_PRESENT) == 0) hv::panic("CPUID does not say who I am");
    return u16(leaf.ecx);
}

void answer_pings() {
    const auto offered = alloc_unbound(DOMID_SELF, u16(own_id() + 1));
    if (!offered) hv::panic("no port to offer");
    evtchn_send reply = {*offered};
    for (u64 seen = upcall_count();; seen++) {
        wait_after(seen);
        ring(reply);
    }
}

void measure_ping_pong() {
    evtchn_send partner = {find_partner()};
    if (partner.port == 0 || !samples().begin("ping-pong")) return;
    for (size_t i = Samples::times(count); i > 0; i--) {
        const u64 before = upcall_count();
        const u64 start = ticks();
        ring(partner);
        wait_after(before);
        samples().add(ticks() - start);
    }
    samples().keep(1);
}

}  // namespace bench

// Exits and hypercalls without any effect, and what the local APIC costs.
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/apic.hpp>
#include <kit/cpu.hpp>
#include <kit/heap.hpp>
#include <kit/hypercall.hpp>

namespace bench {
namespace {

constexpr u8 self_vector = 0x60;
constexpr u32 end_of_interrupt_msr = 0x80b, self_ipi_msr = 0x83f;
constinit volatile u64 self_interrupts = 0;

[[gnu::interrupt, gnu::target("general-regs-only")]] void on_self_ipi(InterruptFrame*) {
    self_interrupts = self_interrupts + 1;
    wrmsr(end_of_interrupt_msr, 0);
}

void measure_self_ipi() {
    apic_init();
    if (!apic_is_x2apic()) return;
    set_gate(self_vector, on_self_ipi);
    interrupts_on();
    const u64 before = self_interrupts;
    measure("self-ipi-with-eoi", [] { wrmsr(self_ipi_msr, self_vector); });
    interrupts_off();
    if ((self_interrupts - before) % Samples::times(Samples::capacity) != 0)
        hv::panic("a self-IPI was lost");
}

void measure_multicall() {
    constexpr size_t calls = 8;
    multicall_entry list[calls] = {};
    measure(
        "multicall-of-8", Samples::capacity,
        [&list] {
            for (auto& entry : list) {
                entry.op = __HYPERVISOR_xen_version;
                entry.args[0] = XENVER_version;
            }
        },
        [&list] { hypercall(__HYPERVISOR_multicall, address(list), calls); }, [] {});
}

}  // namespace

void measure_calls() {
    constexpr u32 apic_base_msr = 0x1b;
    constexpr u64 nowhere = 0xe0000000;
    measure("cpuid", [] { (void)cpuid(0); });
    measure("rdmsr", [] { (void)rdmsr(apic_base_msr); });
    measure("dead-port", [] {
        u8 value;
        asm volatile("inb $0x84, %0" : "=a"(value));
    });
    measure("unmapped-read", [] { (void)*reinterpret_cast<volatile u32*>(nowhere); });
    measure("null-hypercall", [] { hypercall(__HYPERVISOR_xen_version, XENVER_version); });
    measure_multicall();
    measure("yield", [] { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0); });
    measure_self_ipi();
}

void measure_memory() {
    constexpr size_t count = 200;
    xen_pfn_t frame = address(take_pages(1)) >> page_shift;
    xen_memory_reservation one = {};
    set_xen_guest_handle(one.extent_start, &frame);
    one.nr_extents = 1;
    one.domid = DOMID_SELF;
    measure(
        "decrease-and-populate", count, [] {},
        [&one] {
            hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, address(&one));
            hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, address(&one));
        },
        [] {});
}

}  // namespace bench

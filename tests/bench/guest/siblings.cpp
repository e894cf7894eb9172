// Two vCPUs of this domain that ring each other by IPI ports, both halted between.
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/heap.hpp>
#include <kit/hypercall.hpp>
#include <xen/hvm/hvm_vcpu.h>

namespace bench {
namespace {

constexpr size_t count = 500;
constexpr u32 sibling = 1;

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

/// The port that rings a vCPU; on it the other counts what came.
u32 port_to(u32 vcpu) {
    evtchn_bind_ipi argument = {};
    argument.vcpu = vcpu;
    if (!event_channel_op(EVTCHNOP_bind_ipi, &argument)) hv::panic("no port to vCPU {}", vcpu);
    if (argument.port >= 64) hv::panic("port {} is beyond the first word", argument.port);
    return argument.port;
}

constinit TablePointer segments{}, gates{};
constinit evtchn_send to_first{}, to_sibling{};
constinit volatile u64 rung = 0;

[[gnu::interrupt, gnu::target("general-regs-only")]] void on_sibling_upcall(InterruptFrame*) {
    rung = rung + 1;
    clear_upcall(sibling);
}

[[noreturn]] void answer() {
    for (u64 seen = 0;; seen++) {
        while (rung == seen)
            sleep_until_interrupt();
        ring(to_first);
    }
}

/// Where the sibling begins: our segments, and gates of its own.
[[gnu::naked]] void begin() {
    asm("lgdt %0\n lidt %1\n"
        "pushq $8\n pushq %2\n lretq"
        :
        : "m"(segments), "m"(gates), "i"(answer));
}

/// A copy of our gates, in which the upcall is the sibling's.
TablePointer own_gates() {
    TablePointer here;
    asm volatile("sidt %0" : "=m"(here));
    void* const copy = take_pages(1);
    memcpy(copy, reinterpret_cast<const void*>(here.base), here.limit + 1u);
    const TablePointer there = {here.limit, address(copy)};
    asm volatile("lidt %0" : : "m"(there));
    set_gate(upcall_vector, on_sibling_upcall);
    asm volatile("lidt %0" : : "m"(here));
    return there;
}

template <unsigned number> u64 control_register() {
    u64 value;
    asm volatile("mov %%cr%c1, %0" : "=r"(value) : "i"(number));
    return value;
}

void start_sibling() {
    constexpr u64 efer_lma_lme = 0x500;
    asm volatile("sgdt %0" : "=m"(segments));
    gates = own_gates();
    vcpu_hvm_context context = {};
    context.mode = VCPU_HVM_MODE_64B;
    auto& cpu = context.cpu_regs.x86_64;
    cpu.rip = reinterpret_cast<u64>(begin);
    cpu.rsp = address(take_pages(1)) + page_size;
    cpu.rflags = 2;
    cpu.cr0 = control_register<0>();
    cpu.cr3 = control_register<3>();
    cpu.cr4 = control_register<4>();
    cpu.efer = efer_lma_lme;
    if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, sibling, address(&context)) != 0 ||
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, sibling) != 0)
        hv::panic("no second vCPU");
}

}  // namespace

void measure_siblings() {
    if (!samples().begin("ipi-ping-pong")) return;
    to_first.port = port_to(0);
    to_sibling.port = port_to(sibling);
    start_sibling();
    for (size_t i = Samples::times(count); i > 0; i--) {
        const u64 before = upcall_count();
        const u64 start = ticks();
        ring(to_sibling);
        while (upcall_count() == before)
            sleep_until_interrupt();
        samples().add(ticks() - start);
    }
    samples().keep(1);
}

}  // namespace bench

// Events that a vCPU sends to itself, and its one-shot timer (xen/vcpu.h).
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/hypercall.hpp>

namespace bench {
namespace {

constexpr size_t timer_count = 200;

/// Adds the time from `start` to the handler that came meanwhile.
void add_since(u64 start, u64 count_before) {
    if (upcall_count() == count_before) hv::panic("an upcall was lost");
    samples().add(upcall_began() - start);
}

void measure_to_handler(evtchn_send& self) {
    if (!samples().begin("event-to-handler")) return;
    interrupts_on();
    for (size_t i = Samples::times(Samples::capacity); i > 0; i--) {
        const u64 before = upcall_count();
        const u64 start = ticks();
        ring(self);
        add_since(start, before);
    }
    interrupts_off();
    samples().keep(1);
}

void measure_sti(evtchn_send& self) {
    if (!samples().begin("sti-to-handler")) return;
    for (size_t i = Samples::times(Samples::capacity); i > 0; i--) {
        ring(self);
        const u64 before = upcall_count();
        const u64 start = ticks();
        asm volatile("sti; nop; nop; cli" : : : "memory");
        add_since(start, before);
    }
    samples().keep(1);
}

/// The TSC at which Xen's system time reaches `deadline`, which has not passed.
u64 ticks_at(u64 deadline) {
    const auto& time = shared().vcpu_info[0].time;
    const u64 elapsed = deadline - time.system_time;
    u64 delta, rest;
    asm("div %4"
        : "=a"(delta), "=d"(rest)
        : "a"(elapsed << 32), "d"(elapsed >> 32), "r"(u64{time.tsc_to_system_mul}));
    delta = time.tsc_shift >= 0 ? delta >> time.tsc_shift : delta << -time.tsc_shift;
    return time.tsc_timestamp + delta;
}

u64 set_timer(u64 nanoseconds) {
    vcpu_set_singleshot_timer argument = {now_ns() + nanoseconds, 0};
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, address(&argument));
    return argument.timeout_abs_ns;
}

/// From the moment when the timer is due to its handler; `wait` returns once that has come.
template <class Wait> void measure_expiry(std::string_view name, Wait wait) {
    constexpr u64 soon = 300'000;
    if (!samples().begin(name)) return;
    for (size_t i = Samples::times(timer_count); i > 0; i--) {
        const u64 before = upcall_count();
        const u64 due = ticks_at(set_timer(soon));
        wait(before);
        add_since(due, before);
    }
    samples().keep(1);
}

/// A timer that is due at once: from the wish to VIRQ_TIMER's handler.
void measure_virq() {
    vcpu_set_singleshot_timer at_once = {1, 0};
    if (!samples().begin("virq-to-handler")) return;
    interrupts_on();
    for (size_t i = Samples::times(Samples::capacity); i > 0; i--) {
        const u64 before = upcall_count();
        const u64 start = ticks();
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, address(&at_once));
        while (upcall_count() == before) {}
        add_since(start, before);
    }
    interrupts_off();
    samples().keep(1);
}

void spin(u64 count_before) {
    interrupts_on();
    while (upcall_count() == count_before) {}
    interrupts_off();
}

void halt(u64 count_before) {
    while (upcall_count() == count_before)
        sleep_until_interrupt();
}

}  // namespace

void measure_events() {
    evtchn_send self = {port_to_self()};
    mask(self.port);
    measure(
        "event-masked", Samples::capacity, [] {}, [&self] { ring(self); },
        [&self] { forget(self.port); });
    unmask(self.port);
    measure_to_handler(self);
    interrupts_on();
    measure("event-to-handler-and-back", [&self] { ring(self); });
    interrupts_off();
    measure_sti(self);
}

void measure_timer() {
    constexpr u64 far = 1'000'000'000'000;
    vcpu_set_singleshot_timer argument = {now_ns() + far, 0};
    measure("timer-set", [&argument] {
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, address(&argument));
    });
    measure_virq();
    measure_expiry("timer-to-handler-spinning", spin);
    measure_expiry("timer-to-handler-halted", halt);
}

void doze(u64 nanoseconds) {
    const u64 before = upcall_count();
    set_timer(nanoseconds);
    halt(before);
}

}  // namespace bench

// Finding out how fast the clocks run: the TSC against a timer of known rate, and the APIC's timer.
#include <boot/calibrate.hpp>
#include <boot/vectors.hpp>
#include <x86/arithmetic.hpp>
#include <x86/cpuid.hpp>
#include <x86/msr.hpp>
#include <x86/ports.hpp>
#include <x86/privileged.hpp>

namespace hv::boot {
namespace {

constexpr u64 pm_timer_rate = 3'579'545, pit_rate = 1'193'182;
constexpr u64 measure_per_second = 50;  // 20 ms

/// What passed between two readings.
struct Elapsed {
    u64 reference = 0;  ///< ticks of the timer of known rate
    u64 rate = 0;       ///< of that timer
    u64 tsc = 0;
    u64 apic = 0;
};

/// The clocks at one instant.
struct Reading {
    u64 reference = 0, tsc = 0, apic = 0;
};

/// Reads the PM timer and the others several times, and keeps the reading that took least.
Reading read_pm_timer(const x86::HostApic& apic, u16 port) {
    Reading best;
    u64 shortest = ~0ull;
    for (unsigned i = 0; i < 8; ++i) {
        const u64 before = x86::read_tsc();
        const u64 value = x86::in32(port) & 0xffffff;
        const u64 apic_left = apic.timer_left();
        const u64 after = x86::read_tsc();
        if (after - before < shortest) {
            shortest = after - before;
            best = {value, before, apic_left};
        }
    }
    return best;
}

Elapsed measure_by_pm_timer(const x86::HostApic& apic, u16 port) {
    const Reading start = read_pm_timer(apic, port);
    Reading now = start;
    while (((now.reference - start.reference) & 0xffffff) < pm_timer_rate / measure_per_second)
        now = read_pm_timer(apic, port);
    return {(now.reference - start.reference) & 0xffffff, pm_timer_rate, now.tsc - start.tsc,
            start.apic - now.apic};
}

/// Counts channel 2 of the PIT down once in mode 0, watching its output at port 0x61.
Elapsed measure_by_pit(const x86::HostApic& apic) {
    constexpr u64 count = pit_rate / measure_per_second;
    x86::out8(0x61, (x86::in8(0x61) & ~0x02) | 0x01);
    x86::out8(0x43, 0xb0);
    x86::out8(0x42, count & 0xff);
    x86::out8(0x42, count >> 8);
    const u64 start = x86::read_tsc();
    const u64 apic_start = apic.timer_left();
    // A PIT that is not there never ends: give up after a great many reads
    for (u64 i = 0; i < 50'000'000 && !(x86::in8(0x61) & 0x20); ++i) {
    }
    return {count, pit_rate, x86::read_tsc() - start, apic_start - apic.timer_left()};
}

/// A PM timer that stands still (or answers all ones) is none.
bool pm_timer_runs(u16 port) {
    if (port == 0)
        return false;
    const u32 first = x86::in32(port) & 0xffffff;
    for (unsigned i = 0; i < 100'000; ++i)
        if ((x86::in32(port) & 0xffffff) != first)
            return true;
    return false;
}

/// The TSC's rate as CPUID tells it, or 0.
u64 claimed_rate() {
    // "Time Stamp Counter and Nominal Core Crystal Clock Information Leaf"
    const auto leaf = x86::cpuid_if_present(0x15);
    if (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0)
        return u64{leaf.ecx} * leaf.ebx / leaf.eax;
    // A hypervisor's timing leaf, in kHz
    if ((x86::cpuid(1).ecx & 1u << 31) && x86::cpuid(0x40000000).eax >= 0x40000010)
        return u64{x86::cpuid(0x40000010).eax} * 1000;
    return 0;
}

}  // namespace

void calibrate(Machine& machine) {
    machine.apic.set_timer(spurious_vector, false);
    machine.apic.start_timer(0xffffffff);
    const u16 port = machine.facts.pm_timer_port;
    const Elapsed elapsed = pm_timer_runs(port) ? measure_by_pm_timer(machine.apic, port)
                                                : measure_by_pit(machine.apic);
    machine.apic.start_timer(0);

    const u64 measured = elapsed.tsc * elapsed.rate / elapsed.reference;
    machine.clock.calibrate(believe(measured, claimed_rate()));
    machine.timer.apic_ticks_per_second = elapsed.apic * elapsed.rate / elapsed.reference + 1;
    machine.timer.by_tsc_deadline = x86::cpuid(1).ecx & 1 << 24;
    machine.clock.boot_ticks = x86::read_tsc();
    machine.clock.wall_seconds = read_real_time_clock();
}

void wait_ns(const Clock& clock, u64 ns) {
    const u64 start = x86::read_tsc();
    while (x86::read_tsc() - start < clock.to_ticks(ns))
        x86::pause();
}

}  // namespace hv::boot

namespace hv {

void set_hardware_timer(Cpu& cpu, u64 deadline) {
    Machine& machine = *cpu.machine;
    const Clock& clock = machine.clock;
    if (machine.timer.by_tsc_deadline) {
        const u64 ticks =
            clock.boot_ticks + clock.to_ticks(deadline) + static_cast<u64>(cpu.tsc_skew);
        return x86::write_msr(x86::IA32_TSC_DEADLINE, deadline == TimerQueue::never ? 0 : ticks);
    }
    if (deadline == TimerQueue::never)
        return machine.apic.start_timer(0);
    // A deadline too far for the counter comes early and is set again. The counter starts over by
    // itself: were its period too short, an emulator would do nothing else
    constexpr u64 shortest = 50'000;
    const u64 now = clock.now();
    const u64 ns = deadline > now + shortest ? deadline - now : shortest;
    const u64 longest = 0xffffffffull * 1'000'000'000 / machine.timer.apic_ticks_per_second;
    const u64 ticks = x86::multiply_divide(ns < longest ? ns : longest,
                                           machine.timer.apic_ticks_per_second, 1'000'000'000);
    machine.apic.start_timer(ticks >= 0xffffffff ? 0xffffffff : static_cast<u32>(ticks) + 1);
}

}  // namespace hv

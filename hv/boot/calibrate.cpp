// Finding out how fast the clocks run, the TSC and the APIC's timer, and what time it is.
#include <algorithm>
#include <boot/start.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv {
namespace {

constexpr u64 pm_timer_rate = 3'579'545, pit_rate = 1'193'182;
constexpr u64 measure_per_second = 50;  // 20 ms

/// The clocks at one instant, or what passed between two: a timer of known rate, and the others.
struct Reading {
    u64 known = 0, tsc = 0, apic = 0;
};

/// Reads the PM timer and the others several times, and keeps the reading that took least.
Reading read_clocks(const x86::HostApic& apic, u16 port) {
    Reading best;
    u64 shortest = ~0ull;
    for (unsigned i = 0; i < 8; ++i) {
        const u64 before = x86::read_tsc();
        const Reading now{x86::in(port, 4) & 0xffffff, before, apic.timer_left()};
        const u64 length = x86::read_tsc() - before;
        if (length < shortest) {
            shortest = length;
            best = now;
        }
    }
    return best;
}

/// A PM timer that stands still, or answers all ones, is none: then nothing passes on it.
Reading measure_by_pm_timer(const x86::HostApic& apic, u16 port) {
    const Reading start = read_clocks(apic, port);
    Reading passed;
    for (unsigned tries = 0; passed.known < pm_timer_rate / measure_per_second; ++tries) {
        if (tries > 10'000 && passed.known == 0)
            break;
        const Reading now = read_clocks(apic, port);
        passed = {(now.known - start.known) & 0xffffff, now.tsc - start.tsc, start.apic - now.apic};
    }
    return passed;
}

/// Counts channel 2 of the PIT down once in mode 0, watching its output at port 0x61.
Reading measure_by_pit(const x86::HostApic& apic) {
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
    return {count, x86::read_tsc() - start, apic_start - apic.timer_left()};
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

/// Which rate the TSC has, given what was measured and what CPUID claims (0: nothing).
u64 believe(u64 measured, u64 claimed) {
    const u64 distance = measured > claimed ? measured - claimed : claimed - measured;
    return distance <= measured / 200 ? claimed : measured;
}

u8 read_cmos(u8 index) {
    x86::out8(0x70, index | 0x80);
    return x86::in8(0x71);
}

boot::CmosTime read_date() {
    // Register A bit 7: an update is under way
    for (unsigned i = 0; i < 100'000 && (read_cmos(0x0a) & 0x80); ++i) {
    }
    const u8 b = read_cmos(0x0b);
    return {read_cmos(0), read_cmos(2), read_cmos(4), read_cmos(7), read_cmos(8), read_cmos(9),
            read_cmos(0x32), (b & 4) != 0, (b & 2) != 0};
}

/// Unix time from the CMOS clock, read until two readings in a row agree.
u64 read_real_time_clock() {
    boot::CmosTime last = read_date();
    for (unsigned i = 0; i < 10; ++i)
        if (const boot::CmosTime before = std::exchange(last, read_date()); before == last)
            break;
    return unix_time(last);
}

}  // namespace

void boot::calibrate(Machine& machine) {
    machine.apic.start_timer(0xffffffff);  // it counts, and is still masked
    const u16 port = machine.facts.pm_timer_port;
    u64 rate = pm_timer_rate;
    Reading passed = port != 0 ? measure_by_pm_timer(machine.apic, port) : Reading{};
    if (passed.known == 0) {
        rate = pit_rate;
        passed = measure_by_pit(machine.apic);
    }
    machine.apic.start_timer(0);

    machine.clock.calibrate(believe(passed.tsc * rate / passed.known, claimed_rate()));
    machine.timer.apic_ticks_per_second = passed.apic * rate / passed.known + 1;
    machine.timer.by_tsc_deadline = x86::cpuid(1).ecx & 1 << 24;
    machine.clock.boot_ticks = x86::read_tsc();
    machine.clock.wall_seconds = read_real_time_clock();
}

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
    const u64 ticks = x86::multiply_divide(ns, machine.timer.apic_ticks_per_second, 1'000'000'000);
    machine.apic.start_timer(static_cast<u32>(std::min<u64>(ticks + 1, 0xffffffff)));
}

}  // namespace hv

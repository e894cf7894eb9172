// The local APIC's timer and its messages to other vCPUs.
#include <algorithm>
#include <domains/household.hpp>
#include <domains/vcpu_start.hpp>

namespace hv {
namespace {

constexpr u32 lvt_timer = 0x320, timer_divide = 0x3e0;
constexpr u32 masked = 1 << 16, periodic = 1 << 17;
constexpr u64 shortest_period = 10'000;  ///< ns

// The command register's delivery modes and shorthands: Intel SDM, "Interrupt Command Register"
enum Delivery : u32 { fixed = 0, lowest_priority = 1, nmi = 4, init = 5, start_up = 6 };
enum Shorthand : u32 { no_shorthand, itself, all_with_self, all_but_self };

bool meets(const Vcpu& vcpu, const LocalApic& sender_apic, u32 destination, bool logical) {
    const u32 id = vcpu.apic.id();
    if (sender_apic.x2apic()) {
        if (destination == ~0u)
            return true;
        return logical ? destination >> 16 == id >> 4 && destination & 1u << (id & 15)
                       : destination == id;
    }
    if ((destination & 0xff) == 0xff)
        return true;
    const u32 logical_id = *reinterpret_cast<const u32*>(vcpu.apic.page() + 0xd0) >> 24;
    return logical ? (destination & logical_id) != 0 : (destination & 0xff) == id;
}

void deliver_message(Vcpu& to, u32 mode, u8 vector) {
    switch (mode) {
    case fixed:
    case lowest_priority: return to.apic.raise(vector);
    case nmi: return notify(to, attention_nmi);
    case init: return receive_init(to);
    case start_up: return receive_start_up(to, vector);
    default: return;
    }
}

}  // namespace

void LocalApic::send(u64 command) {
    const auto destination = static_cast<u32>(command >> 32);
    const auto vector = static_cast<u8>(command);
    const u32 mode = command >> 8 & 7, shorthand = command >> 18 & 3;
    const bool logical = command & 1 << 11;
    for (Vcpu* vcpu : owner_.domain.made_vcpus()) {
        const bool self = vcpu == &owner_;
        const bool chosen = shorthand == itself          ? self
                            : shorthand == all_with_self ? true
                            : shorthand == all_but_self
                                ? !self
                                : meets(*vcpu, *this, destination, logical);
        if (chosen)
            deliver_message(*vcpu, mode, vector);
    }
}

u64 LocalApic::timer_tick_ns() const {
    // The divide register counts 2, 4, … 128, 1 in its bits 3, 1 and 0
    const u32 field = (at(timer_divide) & 3) | (at(timer_divide) >> 1 & 4);
    return bus_nanoseconds << ((field + 1) & 7);
}

void LocalApic::arm_timer(u32 initial_count) {
    cancel_timer();
    if (initial_count == 0)
        return;
    Cpu& cpu = this_cpu();
    timer_started_ = cpu.machine->clock.now();
    timer_length_ = initial_count * timer_tick_ns();
    cpu.timers.arm(cpu, timer_, timer_started_ + timer_length_);
}

void LocalApic::cancel_timer() {
    TimerQueue::cancel(timer_);
    timer_length_ = 0;
}

u32 LocalApic::current_count() const {
    const u64 passed = owner_.domain.machine.clock.now() - timer_started_;
    if (timer_length_ == 0 || passed >= timer_length_)
        return 0;
    return static_cast<u32>((timer_length_ - passed) / timer_tick_ns());
}

void LocalApic::timer_expired(Timer& timer, Cpu& cpu) {
    LocalApic& apic = static_cast<VcpuTimer&>(timer).vcpu.apic;
    const u32 entry = apic.at(lvt_timer);
    if (entry & periodic) {
        // A guest that wishes for a tick every few nanoseconds must not hold this pCPU
        const u64 now = cpu.machine->clock.now();
        apic.timer_started_ = std::max(apic.timer_started_ + apic.timer_length_, now);
        cpu.timers.arm(cpu, timer,
                       std::max(apic.timer_started_ + apic.timer_length_, now + shortest_period));
    } else {
        apic.timer_length_ = 0;
    }
    if (!(entry & masked))
        apic.raise(static_cast<u8>(entry));
}

}  // namespace hv

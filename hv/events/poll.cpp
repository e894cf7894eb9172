// SCHEDOP_poll: a vCPU sleeps until one of the ports that it names is pending, or until a time.
#include <domains/interrupts.hpp>
#include <events/ports.hpp>
#include <xen/sched.h>

namespace hv {
namespace {

constexpr u32 most_polled = 128;   ///< ports in one call, as on Xen

/// True when any port that the caller names is pending. XEN_EFAULT, XEN_EINVAL.
Result<bool> any_pending(Call& call, u64 ports, u32 count) {
    bool any = false;
    for (u32 i = 0; i < count; ++i) {
        u32 port = 0;
        TRY(call.read(port, ports + i * sizeof port));
        EventChannels& events = events_of(call.domain);
        Guard guard{events.lock};
        if (events.find(port) == nullptr)
            return Error{XEN_EINVAL};
        any |= is_pending(call.domain, port);
    }
    return any;
}

/// An interrupt that came before the vCPU was blocked, and that its guest would take.
bool can_take_interrupt(Vcpu& vcpu) {
    constexpr u64 interrupts_enabled = 1 << 9;
    if (!has_something_to_take(vcpu))
        return false;
    x86::CpuState state;
    vcpu.domain.machine.engine->read_state(vcpu.hardware, state);
    return (state.rflags & interrupts_enabled) != 0;
}

void stop_polling(Vcpu& vcpu) {
    VcpuEvents& events = events_of(vcpu);
    events.polls = 0;
    TimerQueue::cancel(events.poll_timer);
}

}  // namespace

Answer poll(Call& call) {
    // struct sched_poll: the handle, the count, the time; 4-byte handles from 32-bit code
    struct Wide { u64 ports; u32 count; u32 hole; u64 timeout; };
    struct Narrow { u32 ports; u32 count; u64 timeout; };
    Wide wish{};
    if (call.wide) {
        if (const auto read = call.read(wish, call.argument(1)); !read.ok())
            return failure(read.error());
    } else {
        Narrow narrow{};
        if (const auto read = call.read(narrow, call.argument(1)); !read.ok())
            return failure(read.error());
        wish = {narrow.ports, narrow.count, 0, narrow.timeout};
    }
    if (wish.count > most_polled)
        return -XEN_EINVAL;

    // Say that we poll before looking: an event in between finds us
    VcpuEvents& events = events_of(call.vcpu);
    stop_polling(call.vcpu);
    u32 only = 0;
    if (wish.count == 1 && !call.read(only, wish.ports).ok())
        return -XEN_EFAULT;
    events.polled_port = only;
    __atomic_store_n(&events.polls, wish.count == 0 ? ~0u : wish.count, __ATOMIC_SEQ_CST);
    call.vcpu.blocked.store(true, std::memory_order_seq_cst);

    const Result<bool> any = any_pending(call, wish.ports, wish.count);
    const bool too_late = wish.timeout != 0 && wish.timeout <= call.domain.machine.clock.now();
    if (!any.ok() || *any || too_late || can_take_interrupt(call.vcpu)) {
        call.vcpu.blocked.store(false, std::memory_order_relaxed);
        stop_polling(call.vcpu);
        return any.ok() ? 0 : failure(any.error());
    }
    if (wish.timeout != 0)
        call.cpu.timers.arm(call.cpu, events.poll_timer, wish.timeout);
    call.cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
    return 0;
}

void poll_timed_out(Timer& timer, Cpu&) {
    Vcpu& vcpu = static_cast<VcpuTimer&>(timer).vcpu;
    events_of(vcpu).polls = 0;
    unblock(vcpu);
}

void wake_pollers(Domain& domain, u32 port) {
    for (Vcpu* vcpu : domain.made_vcpus()) {
        const VcpuEvents& events = events_of(*vcpu);
        const u32 polls = __atomic_load_n(&events.polls, __ATOMIC_SEQ_CST);
        if (polls == 0 || (polls == 1 && events.polled_port != port))
            continue;
        stop_polling(*vcpu);
        unblock(*vcpu);
    }
}

}  // namespace hv

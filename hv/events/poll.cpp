// SCHEDOP_poll: a vCPU sleeps until one of the ports that it names is pending, or until a time.
#include <domains/calls.hpp>
#include <events/ports.hpp>
#include <xen/sched.h>

namespace hv {
namespace {

constexpr u32 most_polled = 128;   ///< ports in one call, as on Xen

/// struct sched_poll.
template <class Long>
struct PollWish {
    Long ports;   ///< address of the list
    u32 count;
    u64 timeout;  ///< system time, ns; 0: none

    auto fields() { return std::tie(ports, count, timeout); }
};

/// True when any port that the caller names is pending; none is looked at behind the first that
/// is. XEN_EFAULT, XEN_EINVAL.
Result<bool> any_pending(Call& call, u64 ports, u32 count) {
    for (u32 i = 0; i < count; ++i) {
        u32 port = 0;
        TRY(call.read(port, ports + i * sizeof port));
        EventChannels& events = events_of(call.domain);
        Guard guard{events.lock};
        TRY(events.row(port));
        if (events.abi->is_pending(call.domain, port))
            return true;
    }
    return false;
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
    events_of(vcpu.domain).polling.fetch_and(~(1u << vcpu.id));
    TimerQueue::cancel(events_of(vcpu).poll_timer);
}

/// Wakes it out of its poll, unless an interrupt has done so before: what it sleeps for by now is
/// not ours to end.
void wake_poller(Vcpu& vcpu) {
    stop_polling(vcpu);
    if (Blocked polling = Blocked::for_port;
        vcpu.blocked.compare_exchange_strong(polling, Blocked::no, std::memory_order_acq_rel))
        woken(vcpu);
}

}  // namespace

Answer poll(Call& call) {
    const auto wish = TRY(read_layout<PollWish>(call, call.argument(1)));
    if (wish.count > most_polled)
        return Error{XEN_EINVAL};

    VcpuEvents& events = events_of(call.vcpu);
    stop_polling(call.vcpu);
    u32 only = 0;
    if (wish.count == 1)
        TRY(call.read(only, wish.ports));
    {
        // Say that we poll before looking: an event in between finds us, polling and blocked
        Guard guard{events_of(call.domain).lock};
        events.polled_port = only;
        events_of(call.domain).polling.fetch_or(1u << call.vcpu.id);
        call.vcpu.blocked.store(Blocked::for_port, std::memory_order_seq_cst);
    }
    const Result<bool> any = any_pending(call, wish.ports, wish.count);
    const bool too_late = wish.timeout != 0 && wish.timeout <= call.domain.machine.clock.now();
    if (!any.ok() || *any || too_late || can_take_interrupt(call.vcpu)) {
        call.vcpu.blocked.store(Blocked::no, std::memory_order_relaxed);
        stop_polling(call.vcpu);
        return any.ok() ? Answer{0} : any.error();
    }
    if (wish.timeout != 0)
        call.cpu.timers.arm(call.cpu, events.poll_timer, wish.timeout);
    call.cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
    return 0;
}

void poll_timed_out(Timer& timer, Cpu&) { wake_poller(static_cast<VcpuTimer&>(timer).vcpu); }

void wake_some_poller(Domain& domain, u32 port) {
    for (Vcpu* vcpu : domain.made_vcpus()) {
        const u32 polled = events_of(*vcpu).polled_port;
        if (events_of(domain).polling >> vcpu->id & 1 && (polled == 0 || polled == port))
            wake_poller(*vcpu);
    }
}

}  // namespace hv

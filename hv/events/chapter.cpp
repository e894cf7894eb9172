// Chapter events: what it plugs into the machine.
#include <domains/memory.hpp>
#include <events/marks.hpp>
#include <events/ports.hpp>
#include <events/trace.hpp>
#include <xen/domctl.h>

namespace hv::events {
namespace {

Result<> furnish(Domain& domain, const xen_domctl_createdomain& wish) {
    // The toolstack names the highest port; port 0 is never used
    const u64 ports = u64{wish.max_evtchn_port} + 1;
    hv::furnish<EventChannels>(domain).limit =
        static_cast<u32>(std::min<u64>(ports, EventChannels::most_ports));
    return {};
}

/// Closes every port, and from then on finds none: whoever still holds the domain sees silence.
Progress release(Domain& domain) {
    EventChannels& events = events_of(domain);
    for (u32 port = 1; port < events.limit; ++port)
        (void)close_port(domain, port);
    release_fifo(domain);
    Guard guard{events.lock};
    events.limit = 0;
    for (EventChannels::Page*& page : events.pages)
        unmake(domain.machine, std::exchange(page, nullptr));
    return Progress::done;
}

Result<> furnish_vcpu(Vcpu& vcpu) {
    vcpu.parts.furnish(TRY(make<VcpuEvents>(vcpu.domain.machine, vcpu)));
    return {};
}

void release_vcpu(Vcpu& vcpu) {
    VcpuEvents* const events = vcpu.parts.find<VcpuEvents>();
    if (events == nullptr)
        return;
    TimerQueue::cancel(events->poll_timer);
    vcpu.parts.furnish<VcpuEvents>(nullptr);
    unmake(vcpu.domain.machine, events);
}

/// dom0 hears that a domain ended, or changed on its way there.
void shut_down_heard(Domain& domain) {
    if (const DomainRef keeper = find_domain(domain.machine, 0); keeper && keeper->id != domain.id)
        raise_global_virq(*keeper, VIRQ_DOM_EXC);
}

/// A byte came in on COM1: dom0, who reads it, is told.
void console_input(Machine& machine) {
    if (const DomainRef keeper = find_domain(machine, 0))
        raise_global_virq(*keeper, VIRQ_CONSOLE);
}

/// In how many pages the guest has its marks, if it has them in that layout.
u32 most_marks(Domain& domain, u32 layout) {
    EventChannels& events = events_of(domain);
    Guard guard{events.lock};
    if (events.abi == &fifo_abi)
        return layout == static_cast<u32>(EventMarks::fifo) ? events.word_pages : 0;
    const EventMarks used = domain.wide_shared_info ? EventMarks::wide : EventMarks::narrow;
    return layout == static_cast<u32>(used) ? 1 : 0;
}

/// XEN_EINVAL: the guest has taken another layout meanwhile.
Result<Mfn> marks_frame(Domain& domain, u32 layout, u64 index) {
    EventChannels& events = events_of(domain);
    Guard guard{events.lock};
    const bool fifo = layout == static_cast<u32>(EventMarks::fifo);
    if (fifo && index >= events.word_pages)
        return Error{XEN_EINVAL};
    const Mfn frame = fifo ? events.word_frames[index] : domain.shared_info_frame;
    add_use(domain.machine, frame);
    return frame;
}

constexpr HypercallRow calls[] = {{__HYPERVISOR_event_channel_op, event_channel_op}};

constexpr Resource resources[] = {{resource_event_marks, most_marks, marks_frame}};

constexpr DomainPlug domain_plug{
    .chapter = Chapter::events,
    .furnish = furnish,
    .release = release,
    .furnish_vcpu = furnish_vcpu,
    .release_vcpu = release_vcpu,
    .shut_down = shut_down_heard,
    .hypercalls = calls,
    .resources = resources,
};

Result<> open(Machine& machine, Cpu&) {
    join(machine, domain_plug);
    household(machine).timer_expired = [](Vcpu& vcpu) { raise_virq(vcpu, VIRQ_TIMER); };
    household(machine).poll = poll;
    machine.console_input = console_input;
    return {};
}

}  // namespace

constexpr Plug plug{
    .chapter = Chapter::events,
    .title = "Event channels",
    .events = event_events,
    .open = open,
};

}  // namespace hv::events

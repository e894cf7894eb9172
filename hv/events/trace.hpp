// What the hypervisor says of event channels: each event of this chapter, with its sentence.
#pragma once

#include <base/trace.hpp>

namespace hv {

inline constexpr TraceEvent doorbell_given{
    Chapter::events, 0, "doorbell_given", {"domain", "port", "remote", "remote_port"},
    "I gave d{domain} the doorbell of d{remote}: port {port} rings port {remote_port}.",
    "doorbell"};
inline constexpr TraceEvent fifo_chosen{Chapter::events, 1, "fifo_chosen", {"domain", "vcpu"},
    "d{domain} wants its events in queues: I link them by priority for v{vcpu}.", "fifo"};
inline constexpr TraceEvent event_sent{
    Chapter::events, 2, "event_sent", {"domain", "vcpu", "port"}, "d{domain} rang port {port}.",
    "doorbell", trace_bells};
inline constexpr TraceEvent virq_raised{
    Chapter::events, 3, "virq_raised", {"domain", "vcpu", "virq"},
    "d{domain} v{vcpu} is due its virtual interrupt {virq}.", "doorbell", trace_bells};
inline constexpr TraceEvent port_opened{
    Chapter::events, 4, "port_opened", {"domain", "port", "remote"},
    "d{domain} keeps port {port} open for d{remote}, who may come and join it.", "doorbell"};
inline constexpr TraceEvent port_closed{Chapter::events, 5, "port_closed", {"domain", "port"},
    "d{domain} closed port {port}: nobody hears it ring any more.", "doorbell"};

inline constexpr const TraceEvent* event_events[] = {&doorbell_given, &fifo_chosen, &event_sent,
                                                       &virq_raised,    &port_opened, &port_closed};

}  // namespace hv

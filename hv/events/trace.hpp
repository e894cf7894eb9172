// What the hypervisor says of event channels: each event of this chapter, with its sentence.
#pragma once

#include <base/trace.hpp>

namespace hv {

inline constexpr TraceEvent doorbell_given{
    Chapter::events, 0, "doorbell_given", {"domain", "port", "remote", "remote_port"},
    "I gave d{domain} the doorbell of d{remote}: port {port} rings port {remote_port}.",
    "doorbell"};
inline constexpr TraceEvent fifo_chosen{
    Chapter::events, 1, "fifo_chosen", {"domain", "vcpu"},
    "d{domain} wants its events in queues: I link them by priority for v{vcpu}.", "fifo"};
inline constexpr TraceEvent event_sent{
    Chapter::events, 2, "event_sent", {"domain", "port"}, "d{domain} rang port {port}.",
    "doorbell"};

inline constexpr const TraceEvent* event_events[] = {&doorbell_given, &fifo_chosen, &event_sent};

}  // namespace hv

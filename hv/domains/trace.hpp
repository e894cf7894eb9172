// What the hypervisor says of domains: each event of this chapter, with its sentence.
#pragma once

#include <base/trace.hpp>

namespace hv {

inline constexpr TraceEvent domain_created{
    Chapter::domains, 0, "domain_created", {"domain", "vcpus"},
    "I made room for d{domain}: a number, {vcpus} vCPU to come, and not a page yet.", "birth"};
inline constexpr TraceEvent domain_shut_down{
    Chapter::domains, 1, "domain_shut_down", {"domain", "reason"},
    "d{domain} says that it is done (reason {reason}). I keep it as it stands.", "shutdown"};
inline constexpr TraceEvent domain_crashed{
    Chapter::domains, 2, "domain_crashed", {"domain", "reason"},
    "d{domain} crashed. I keep it, with its registers, for whoever asks why.", "crash"};
inline constexpr TraceEvent domain_dying{
    Chapter::domains, 3, "domain_dying", {"domain", "exits", "hypercalls", "frames"},
    "I take d{domain} apart. It came to me {exits} times, {hypercalls} of them to ask for "
    "something; it leaves {frames} frames to scrub before anyone else sees them.", "death"};
inline constexpr TraceEvent domain_gone{Chapter::domains, 4, "domain_gone", {"domain"},
    "d{domain} is gone. Every frame of it is zero, and mine to give again.", "death"};
inline constexpr TraceEvent domain_paused{Chapter::domains, 5, "domain_paused", {"domain"},
    "I hold d{domain} between two of its instructions. It cannot tell.", "pause"};
inline constexpr TraceEvent domain_unpaused{
    Chapter::domains, 6, "domain_unpaused", {"domain", "gap"},
    "d{domain} goes on. {gap} microseconds passed that it never saw.", "pause"};
inline constexpr TraceEvent first_child{
    Chapter::domains, 7, "first_child", {"frames", "from", "entry"},
    "I gave dom0 {frames} frames at {from:x}, the same number inside as out, and it starts at "
    "{entry:x}.", "dom0"};
inline constexpr TraceEvent vcpu_scheduled{
    Chapter::domains, 8, "vcpu_scheduled", {"domain", "vcpu"},
    "d{domain} v{vcpu} runs.", "turns", trace_turns};

inline constexpr TraceEvent dom0_powers_off{Chapter::domains, 9, "dom0_powers_off", {},
    "dom0 turns the machine off, with every guest in it, and me.", "shutdown"};
inline constexpr TraceEvent dom0_reboots{Chapter::domains, 10, "dom0_reboots", {},
    "dom0 starts the machine anew. Whoever comes next finds nothing of us.", "shutdown"};
inline constexpr TraceEvent dom0_lost{Chapter::domains, 11, "dom0_lost", {"reason"},
    "dom0 has fallen (reason {reason}): no console and no command is served any more. I go on, and "
    "so do the guests; only a reset brings a dom0 back.", "crash"};

inline constexpr TraceEvent vcpu_up{Chapter::domains, 12, "vcpu_up", {"domain", "vcpu"},
    "d{domain} v{vcpu} is awake: it may run from now on.", "vcpu-calls"};
inline constexpr TraceEvent vcpu_down{Chapter::domains, 13, "vcpu_down", {"domain", "vcpu"},
    "d{domain} v{vcpu} is down, until it is started anew.", "vcpu-calls"};
inline constexpr TraceEvent vcpu_put_away{Chapter::domains, 14, "vcpu_put_away", {"domain", "vcpu"},
    "d{domain} v{vcpu} would go on, but its turn is over.", "turns", trace_turns};
inline constexpr TraceEvent vcpu_blocked{Chapter::domains, 15, "vcpu_blocked", {"domain", "vcpu"},
    "d{domain} v{vcpu} has nothing to do, and sleeps.", "turns", trace_turns};
inline constexpr TraceEvent vcpu_woken{Chapter::domains, 16, "vcpu_woken", {"domain", "vcpu"},
    "Something waits for d{domain} v{vcpu}: I wake it.", "turns", trace_turns};
inline constexpr TraceEvent hypercall_made{
    Chapter::domains, 17, "hypercall_made", {"domain", "vcpu", "call", "first"},
    "d{domain} v{vcpu} asks me for {call}, with {first:x}.", "hypercall", trace_hypercalls};
inline constexpr TraceEvent vcpu_exited{
    Chapter::domains, 18, "vcpu_exited", {"domain", "vcpu", "exit", "detail"},
    "d{domain} v{vcpu} comes to me: {exit}, {detail:x}.", "exits", trace_exits};

inline constexpr const TraceEvent* domain_events[] = {
    &domain_created, &domain_shut_down, &domain_crashed,  &domain_dying,    &domain_gone,
    &domain_paused,  &domain_unpaused,  &first_child,     &vcpu_scheduled,  &dom0_powers_off,
    &dom0_reboots,   &dom0_lost,        &vcpu_up,         &vcpu_down,       &vcpu_put_away,
    &vcpu_blocked,   &vcpu_woken,       &hypercall_made,  &vcpu_exited};

}  // namespace hv

// What a record of the trace says: its event, its numbers' names, its sentence. For whoever tells.
#pragma once

#include <boot/trace.hpp>
#include <domains/trace.hpp>
#include <events/trace.hpp>
#include <grants/trace.hpp>
#include <xen/xen.h>

namespace hv {

inline constexpr std::span<const TraceEvent* const> trace_tables[] = {boot::events, domain_events,
                                                                      grant_events, event_events};

/// A hypercall, by the name that it has in xen/xen.h: __HYPERVISOR_*.
struct NamedCall {
    std::string_view name;
    u64 number;
};

inline constexpr NamedCall named_calls[] = {
#define CALL(name) {#name, __HYPERVISOR_##name}
    CALL(memory_op), CALL(multicall),       CALL(set_timer_op), CALL(xen_version),
    CALL(console_io), CALL(grant_table_op), CALL(vm_assist),    CALL(vcpu_op),
    CALL(sched_op),  CALL(event_channel_op), CALL(hvm_op),      CALL(sysctl),
    CALL(domctl),
#undef CALL
};

/// x86::Exit::Kind, in its order; pyhv/native/decode.cpp counts them.
inline constexpr std::string_view exit_names[] = {
    "external interrupt", "NMI", "preemption timer", "interrupt window", "CPUID", "hypercall",
    "HLT", "PAUSE", "RDMSR", "WRMSR", "port", "control register", "nested page fault",
    "APIC write", "XSETBV", "WBINVD", "exception", "undefined instruction", "triple fault",
    "resolved", "refused entry", "unhandled"};

inline constexpr std::string_view virq_names[] = {"timer", "debug", "console", "dom exception",
                                                  "tbuf"};
static_assert(VIRQ_TIMER == 0 && VIRQ_CONSOLE == 2 && VIRQ_TBUF == 4);

/// nullptr where this build has no such event.
inline const TraceEvent* event_of(const TraceRecord& record) {
    for (const auto& table : trace_tables)
        for (const TraceEvent* event : table)
            if (static_cast<u8>(event->chapter) == record.chapter && event->number == record.number)
                return event;
    return nullptr;
}

/// What the number in a field of that name stands for; empty: just a number.
inline std::string_view word_for(std::string_view field, u64 value) {
    if (field == "exit" && value < std::size(exit_names))
        return exit_names[value];
    if (field == "virq" && value < std::size(virq_names))
        return virq_names[value];
    if (field == "call")
        for (const NamedCall& call : named_calls)
            if (call.number == value)
                return call.name;
    return {};
}

/// Writes the hypervisor's sentence, with words where numbers stand for something.
inline void tell_in_words(Sink& sink, const TraceEvent& event,
                          std::span<const u64, TraceEvent::max_fields> values) {
    std::array<Argument, TraceEvent::max_fields> arguments;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view word = word_for(event.fields[i], values[i]);
        arguments[i] = word.empty() ? Argument{values[i]} : Argument{word};
    }
    print_to(sink, event.sentence, arguments, event.fields);
}

}  // namespace hv

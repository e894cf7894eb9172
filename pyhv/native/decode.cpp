// How a record becomes an event: found in its chapter's table, its numbers named, its sentence
// told.
#include "decode.hpp"
#include <boot/trace.hpp>
#include <cstring>
#include <domains/trace.hpp>
#include <events/trace.hpp>
#include <grants/trace.hpp>
#include <x86/engine.hpp>
#include <xen/xen.h>

namespace hv::hosted {
namespace {

constexpr std::string_view chapter_names[] = {HV_CHAPTER_NAMES};

constexpr std::span<const TraceEvent* const> tables[] = {boot::events, domain_events, grant_events,
                                                         event_events};

const TraceEvent* event_of(const TraceRecord& record) {
    for (const auto& table : tables)
        for (const TraceEvent* event : table)
            if (static_cast<u8>(event->chapter) == record.chapter && event->number == record.number)
                return event;
    return nullptr;
}

/// x86::Exit::Kind, in its order.
constexpr std::string_view exits[] = {
    "external interrupt", "NMI", "preemption timer", "interrupt window", "CPUID", "hypercall",
    "HLT", "PAUSE", "RDMSR", "WRMSR", "port", "control register", "nested page fault",
    "APIC write", "XSETBV", "WBINVD", "exception", "undefined instruction", "triple fault",
    "resolved", "refused entry", "unhandled"};
static_assert(std::size(exits) == static_cast<size_t>(x86::Exit::Kind::unhandled) + 1);

constexpr std::string_view virqs[] = {"timer", "debug", "console", "dom exception", "tbuf"};
static_assert(VIRQ_TIMER == 0 && VIRQ_CONSOLE == 2 && VIRQ_TBUF == 4);

/// What the number in a field of that name stands for; empty: just a number.
std::string_view word_for(std::string_view field, u64 value) {
    if (field == "exit" && value < std::size(exits))
        return exits[value];
    if (field == "virq" && value < std::size(virqs))
        return virqs[value];
    if (field == "call")
        for (const NamedCall& call : named_calls())
            if (call.number == value)
                return call.name;
    return {};
}

/// The hypervisor's sentence, with words where numbers stand for something.
std::string sentence_of(const TraceEvent& event, const TraceRecord& record) {
    std::array<Argument, TraceEvent::max_fields> arguments;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view word = word_for(event.fields[i], record.values[i]);
        arguments[i] = word.empty() ? Argument{record.values[i]} : Argument{word};
    }
    TextBuffer<512> text;
    print_to(text, event.sentence, arguments, event.fields);
    return std::string{text.view()};
}

EventView view_of(const TraceRecord& record) {
    static constexpr TraceEvent unknown{
        .chapter = Chapter::boot, .number = 0, .name = "unknown",
        .fields = {"first", "second", "third", "fourth"},
        .sentence = "Something happened that this build has no word for: {first:x} {second:x}.",
        .section = {}};
    const TraceEvent* const found = event_of(record);
    const TraceEvent& event = found != nullptr ? *found : unknown;
    EventView view{};
    view.time = record.time;
    view.cpu = record.cpu;
    view.domain = record.domain;
    view.vcpu = record.vcpu;
    view.chapter = record.chapter < std::size(chapter_names) ? chapter_names[record.chapter] : "?";
    view.name = event.name;
    view.frequent = event.frequent != 0;
    for (size_t i = 0; i < event.fields.size() && !event.fields[i].empty(); ++i) {
        const std::string field{event.fields[i]};
        view.fields.emplace_back(field, record.values[i]);
        if (const auto word = word_for(field, record.values[i]); !word.empty())
            view.words.emplace_back(field, word);
    }
    view.sentence = sentence_of(event, record);
    view.section = event.section;
    return view;
}

u64 bits_of(Chapter chapter) {
    u64 bits = 1u << static_cast<unsigned>(chapter);
    for (const auto& table : tables)
        for (const TraceEvent* event : table)
            if (event->chapter == chapter)
                bits |= event->bit();
    return bits;
}

}  // namespace

std::vector<EventView> decode(std::string_view records) {
    if (records.size() % sizeof(TraceRecord) != 0)
        throw NoRecord{"a trace is made of records of " + std::to_string(sizeof(TraceRecord)) +
                       " bytes: " + std::to_string(records.size()) + " are no whole number"};
    std::vector<EventView> views;
    views.reserve(records.size() / sizeof(TraceRecord));
    for (size_t at = 0; at < records.size(); at += sizeof(TraceRecord)) {
        TraceRecord record;
        std::memcpy(&record, records.data() + at, sizeof record);
        views.push_back(view_of(record));
    }
    return views;
}

std::span<const Constant> trace_bits() {
    static const std::vector<Constant> bits = [] {
        std::vector<Constant> list;
        for (size_t i = 0; i < std::size(chapter_names); ++i)
            list.push_back({chapter_names[i], bits_of(static_cast<Chapter>(i))});
        for (const Constant& kind : {Constant{"hypercalls", trace_hypercalls},
                                     {"exits", trace_exits}, {"turns", trace_turns},
                                     {"bells", trace_bells}})
            list.push_back(kind);
        return list;
    }();
    return bits;
}

std::span<const Constant> event_bits() {
    static const std::vector<Constant> bits = [] {
        std::vector<Constant> list;
        for (const auto& table : tables)
            for (const TraceEvent* event : table)
                list.push_back({event->name, event->bit()});
        return list;
    }();
    return bits;
}

}  // namespace hv::hosted

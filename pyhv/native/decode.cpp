// How a record becomes an event that Python can hold.
#include "decode.hpp"
#include <cstring>
#include <kit/trace_words.hpp>
#include <x86/engine.hpp>

namespace hv::hosted {
namespace {

static_assert(std::size(exit_names) == static_cast<size_t>(x86::Exit::Kind::unhandled) + 1);

constexpr std::string_view chapter_names[] = {HV_CHAPTER_NAMES};

/// The hypervisor's sentence, with words where numbers stand for something.
std::string sentence_of(const TraceEvent& event, const TraceRecord& record) {
    TextBuffer<512> text;
    tell_in_words(text, event, record.values);
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
    for (const auto& table : trace_tables)
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
                                     {"bells", trace_bells},
                                     {"promises", trace_promises}})
            list.push_back(kind);
        return list;
    }();
    return bits;
}

std::span<const Constant> event_bits() {
    static const std::vector<Constant> bits = [] {
        std::vector<Constant> list;
        for (const auto& table : trace_tables)
            for (const TraceEvent* event : table)
                list.push_back({event->name, event->bit()});
        return list;
    }();
    return bits;
}

}  // namespace hv::hosted

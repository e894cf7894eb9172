// The trace: events declared once, kept in a ring per pCPU, and told as sentences.
#pragma once

#include <atomic>
#include <base/chapter.hpp>
#include <base/print.hpp>
#include <new>

namespace hv {

/// One kind of event. A chapter declares its events in its `trace.hpp`, each with the sentence that
/// the hypervisor says of it. In a sentence, {frames} stands for the field of that name and
/// {frame:x} for the same in hexadecimal.
struct TraceEvent {
    static constexpr size_t max_fields = 4;

    Chapter chapter;
    u8 number;                                         ///< unique within the chapter
    std::string_view name;                             ///< "domain_created"
    std::array<std::string_view, max_fields> fields{}; ///< names, in the order of the values
    std::string_view sentence;                         ///< in the hypervisor's voice
    std::string_view section;                          ///< the label in the book that explains it
    u32 frequent = 0;                                  ///< its TraceBit; 0: its chapter's

    /// Its bit in a pCPU's mask.
    constexpr u32 bit() const { return frequent ? frequent : 1u << static_cast<unsigned>(chapter); }
};

/// What goes into the rings. Bit n, on from the start: the rare events of chapter n. What comes by
/// the thousand has bits of its own, off until somebody asks.
enum TraceBit : u32 {
    trace_rare = 0xffff,
    trace_hypercalls = 1 << 16,
    trace_exits = 1 << 17,
    trace_turns = 1 << 18,
    trace_bells = 1 << 19,
    trace_promises = 1 << 20,
};

/// One event that happened.
struct TraceRecord {
    u64 time = 0;              ///< ns since boot; 0 before the clock was set
    u8 chapter = 0;
    u8 number = 0;
    DomainId domain = 0;
    u16 vcpu = 0;
    u16 cpu = 0;
    std::array<u64, TraceEvent::max_fields> values{};
};
static_assert(sizeof(TraceRecord) == 48);

/// The last events of one pCPU: this, and behind it the records. Written by that pCPU alone; read
/// by anyone, who looks at `written` before and after to see which records were overtaken.
struct TraceRing {
    std::atomic<u64> written{0};    ///< records ever put; number n lies at n % capacity
    u32 capacity = 0;
    u32 record_bytes = sizeof(TraceRecord);
    std::array<u64, 4> unused{};

    /// A new ring that fills `bytes` at `place`.
    static TraceRing* lay(void* place, u64 bytes) {
        return new (place) TraceRing{.capacity = static_cast<u32>(bytes / sizeof(TraceRecord)) - 1};
    }
    const TraceRecord& at(u64 index) const {
        return reinterpret_cast<const TraceRecord*>(this + 1)[index % capacity];
    }
    void put(const TraceRecord& record) {
        const u64 at = written.load(std::memory_order_relaxed);
        reinterpret_cast<TraceRecord*>(this + 1)[at % capacity] = record;
        written.store(at + 1, std::memory_order_release);
    }
};
static_assert(sizeof(TraceRing) == sizeof(TraceRecord));

/// Writes the sentence of `event` with its values, and a newline, to `sink`.
inline void tell_sentence(Sink& sink, const TraceEvent& event,
                          std::span<const u64, TraceEvent::max_fields> values) {
    const Argument arguments[] = {values[0], values[1], values[2], values[3]};
    print_to(sink, event.sentence, arguments, event.fields);
    sink.write("\n");
}

}  // namespace hv

// The trace: events declared once, kept in a ring per pCPU, and told as sentences.
#pragma once

#include <atomic>
#include <base/chapter.hpp>
#include <base/print.hpp>

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
};

/// One event that happened.
struct TraceRecord {
    u64 tsc = 0;
    u8 chapter = 0;
    u8 number = 0;
    DomainId domain = 0;
    u16 vcpu = 0;
    u16 cpu = 0;
    std::array<u64, TraceEvent::max_fields> values{};
};
static_assert(sizeof(TraceRecord) == 48);

/// The last events of one pCPU. Written by that pCPU alone; read by anyone, who checks `written`
/// before and after to see whether a record was overtaken.
class TraceRing {
public:
    static constexpr size_t capacity = 256;

    void put(const TraceRecord& record) {
        const u64 at = written_.load(std::memory_order_relaxed);
        records_[at % capacity] = record;
        written_.store(at + 1, std::memory_order_release);
    }

    u64 written() const { return written_.load(std::memory_order_acquire); }
    const TraceRecord& at(u64 index) const { return records_[index % capacity]; }

private:
    std::array<TraceRecord, capacity> records_{};
    std::atomic<u64> written_{0};
};

/// Writes the sentence of `event` with its values, and a newline, to `sink`.
inline void tell_sentence(Sink& sink, const TraceEvent& event,
                          std::span<const u64, TraceEvent::max_fields> values) {
    const Argument arguments[] = {values[0], values[1], values[2], values[3]};
    print_to(sink, event.sentence, arguments, event.fields);
    sink.write("\n");
}

}  // namespace hv

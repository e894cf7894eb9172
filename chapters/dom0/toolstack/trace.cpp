// Records of the hypervisor's trace: read while they are written, and told.
#include "trace.hpp"

#include <algorithm>
#include <kit/trace_words.hpp>

namespace dom0 {
namespace {

constexpr struct {
    std::string_view word;
    Chapter chapter;
} chapter_words[] = {{"boot", Chapter::boot},
                     {"domains", Chapter::domains},
                     {"grants", Chapter::grants},
                     {"events", Chapter::events}};

constexpr struct {
    std::string_view word;
    u32 bit;
} kind_words[] = {{"hypercalls", trace_hypercalls},
                  {"exits", trace_exits},
                  {"turns", trace_turns},
                  {"bells", trace_bells},
                  {"promises", trace_promises}};

}  // namespace

TraceReading read_ring(const TraceRing& ring, u64 from, size_t most) {
    TraceReading reading;
    const u64 written = ring.written.load(std::memory_order_acquire);
    const auto oldest_at = [&](u64 end) { return end > ring.capacity ? end - ring.capacity : 0; };
    from = std::min(from, written);
    const u64 first = std::max(from, oldest_at(written));
    const u64 end = std::min(written, first + most);
    for (u64 at = first; at < end; at++)
        reading.records.push_back(ring.at(at));

    // The oldest that is surely whole: the place of the next record may be half written by now
    std::atomic_thread_fence(std::memory_order_acquire);
    const u64 now = ring.written.load(std::memory_order_relaxed);
    const u64 whole = now >= ring.capacity ? now - ring.capacity + 1 : 0;
    const u64 kept = std::min(std::max(first, whole), end);
    reading.records.erase(reading.records.begin(),
                          reading.records.begin() + static_cast<ptrdiff_t>(kept - first));
    reading.lost = kept - from;
    reading.next = end;
    return reading;
}

std::optional<u32> trace_bits(std::string_view word) {
    for (auto& kind : kind_words)
        if (kind.word == word) return kind.bit;
    for (auto& chapter : chapter_words)
        if (chapter.word == word) {
            u32 bits = 0;
            for (auto& table : trace_tables)
                for (const TraceEvent* event : table)
                    if (event->chapter == chapter.chapter) bits |= event->bit();
            return bits;
        }
    return {};
}

void tell_record(Sink& sink, const TraceRecord& record) {
    print(sink, "{:9}.{:06} pCPU {}: ", record.time / 1'000'000, record.time % 1'000'000,
          record.cpu);
    if (const TraceEvent* event = event_of(record))
        tell_in_words(sink, *event, record.values);
    else
        sink.write("something that I have no word for.");
    sink.write("\n");
}

}  // namespace dom0

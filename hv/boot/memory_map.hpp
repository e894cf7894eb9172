// The firmware's memory map, put in order: sorted, without overlaps, in whole pages.
#pragma once

#include <base/result.hpp>
#include <boot/facts.hpp>

namespace hv::boot {

/// Orders `raw` into `facts.memory_map`: ascending, whole pages, neighbours of one kind joined.
/// Where lines overlap, the less usable kind wins; a page that is usable only in part is not
/// usable.
/// XEN_ENOSPC when more than the map's 64 lines are left: the rest is then as if it were not there.
Result<> order_memory_map(std::span<const MemoryRange> raw, MachineFacts& facts);

/// Something in RAM that must be left alone.
struct Occupied {
    Mpa start{}, end{};
};

/// Calls visit(start, end) for each stretch of usable RAM outside of `occupied`, ascending.
template <class Visitor>
void for_each_free(std::span<const MemoryRange> map, std::span<const Occupied> occupied,
                   Visitor&& visit) {
    for (const MemoryRange& range : map) {
        if (range.kind != MemoryRange::Kind::usable)
            continue;
        Mpa from = range.start;
        const Mpa end = range.start + range.bytes;
        while (from < end) {
            // The next obstacle at or above `from`, and the stretch before it
            Mpa stop = end, resume = end;
            for (const Occupied& thing : occupied)
                if (thing.end > from && thing.start < stop) {
                    stop = thing.start < from ? from : thing.start;
                    resume = thing.end;
                }
            if (from < stop)
                visit(from, stop);
            from = resume;
        }
    }
}

/// The end of the highest usable RAM; 0 when there is none.
Mpa top_of_ram(std::span<const MemoryRange> map);
/// True when some of [start, start + bytes) is usable RAM.
bool overlaps_ram(std::span<const MemoryRange> map, Mpa start, u64 bytes);
/// Bytes of usable RAM.
u64 usable_bytes(std::span<const MemoryRange> map);

}  // namespace hv::boot

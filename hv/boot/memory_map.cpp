// The firmware's memory map, put in order: sorted, without overlaps, in whole pages.
#include <algorithm>
#include <boot/handover.hpp>

namespace hv::boot {
namespace {

/// No machine has more physical address bits than this; lines beyond are nonsense.
constexpr u64 end_of_addresses = 1ull << 52;

/// `range` in whole pages, cut at the end of addresses: usable memory shrinks, all else grows.
MemoryRange in_whole_pages(const MemoryRange& range) {
    const u64 start = std::min(range.start.value, end_of_addresses);
    const u64 end = start + std::min(range.bytes, end_of_addresses - start);
    const u64 first = range.usable() ? align_up(start, page_size) : align_down(start, page_size);
    const u64 last = range.usable() ? align_down(end, page_size) : align_up(end, page_size);
    return {Mpa{first}, first < last ? last - first : 0, range.kind};
}

/// How far a kind is from usable: of two that overlap, the greater is believed.
u8 severity(const MemoryRange& range) {
    // By the numbers of MemoryRange::Kind: usable, reserved, acpi, acpi_nvs, bad
    static constexpr u8 severities[] = {0, 1, 4, 2, 3, 5};
    return severities[static_cast<u8>(range.kind)];
}

/// The line of the worst kind that speaks of the address; nullptr where none does.
const MemoryRange* worst_at(std::span<const MemoryRange> raw, u64 address) {
    const MemoryRange* worst = nullptr;
    for (const MemoryRange& range : raw)
        if (address >= range.start.value && address - range.start.value < range.bytes &&
            (!worst || severity(range) > severity(*worst)))
            worst = &range;
    return worst;
}

/// Puts a stretch at the map's end, joined to the last when they touch and are of one kind.
Result<> append(MachineFacts& facts, const MemoryRange& stretch) {
    if (facts.memory_ranges > 0) {
        MemoryRange& last = facts.memory_map[facts.memory_ranges - 1];
        if (last.kind == stretch.kind && last.end() == stretch.start) {
            last.bytes += stretch.bytes;
            return {};
        }
    }
    if (facts.memory_ranges == facts.memory_map.size())
        return Error{XEN_ENOSPC};
    facts.memory_map[facts.memory_ranges++] = stretch;
    return {};
}

}  // namespace

Result<> order_memory_map(std::span<const MemoryRange> raw, MachineFacts& facts) {
    std::array<MemoryRange, LoaderFacts::max_ranges> whole;
    std::array<u64, 2 * LoaderFacts::max_ranges> borders;
    const size_t count = std::min(raw.size(), whole.size());

    // Every place where some line begins or ends
    for (size_t i = 0; i < count; ++i) {
        whole[i] = in_whole_pages(raw[i]);
        borders[2 * i] = whole[i].start.value;
        borders[2 * i + 1] = whole[i].end().value;
    }
    std::sort(borders.begin(), borders.begin() + 2 * count);

    // Between two borders nothing changes: one look tells the kind
    facts.memory_ranges = 0;
    for (size_t i = 0; i + 1 < 2 * count; ++i) {
        const u64 start = borders[i], end = borders[i + 1];
        if (start == end)
            continue;
        if (const MemoryRange* worst = worst_at({whole.data(), count}, start))
            TRY(append(facts, {Mpa{start}, end - start, worst->kind}));
    }
    return {};
}

Mpa top_of_ram(std::span<const MemoryRange> map) {
    Mpa top{};
    for_each_free(map, {}, [&](Mpa, Mpa end) { top = std::max(top, end); });
    return top;
}

bool overlaps_ram(std::span<const MemoryRange> map, Mpa start, u64 bytes) {
    return std::any_of(map.begin(), map.end(), [&](const MemoryRange& range) {
        return range.usable() && range.start < start + bytes && start < range.end();
    });
}

u64 usable_bytes(std::span<const MemoryRange> map) {
    u64 bytes = 0;
    for_each_free(map, {}, [&](Mpa start, Mpa end) { bytes += end - start; });
    return bytes;
}

}  // namespace hv::boot

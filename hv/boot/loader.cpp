// What the loader hands over, read with care: Xen's PVH start info, or multiboot2's list of tags;
// and the memory map of either, put in order.
#include <algorithm>
#include <boot/handover.hpp>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

namespace hv::boot {
namespace {

/// Both protocols write a line of the map alike, with the PC's numbers for its kind; an unknown one
/// is reserved. False when the line does not lie in `memory`.
bool read_line(const PhysicalMemory& memory, Mpa at, LoaderFacts& raw) {
    using Kind = MemoryRange::Kind;
    const auto line = copy_at<hvm_memmap_table_entry>(memory, at);
    if (line)
        raw.add({Mpa{line->addr}, line->size,
                 line->type >= 1 && line->type <= 5 ? static_cast<Kind>(line->type)
                                                    : Kind::reserved});
    return line.ok();
}

/// The text at `address` up to its NUL, at most `limit` bytes; empty when it is not in `memory`.
std::string_view text_at(const PhysicalMemory& memory, Mpa address, size_t limit = 2048) {
    if (address.value == 0 || address.value >= memory.size())
        return {};
    const auto* text = reinterpret_cast<const char*>(memory.at(address));
    const u64 room = memory.size() - address.value;
    size_t length = 0;
    while (length < limit && length < room && text[length] != '\0')
        ++length;
    return {text, length};
}

const char* read_start_info(const PhysicalMemory& memory, Mpa at, LoaderFacts& raw,
                            MachineFacts& facts) {
    facts.loader = "PVH";
    const auto info = copy_at<hvm_start_info>(memory, at);
    if (!info || info->magic != XEN_HVM_START_MAGIC_VALUE)
        return "the PVH start info has no magic number";
    if (info->version < 1 || info->memmap_entries == 0)
        return "the PVH start info has no memory map; version 1 of it has one";

    for (u32 i = 0; i < info->memmap_entries && i < LoaderFacts::max_ranges; ++i)
        if (!read_line(memory, Mpa{info->memmap_paddr} + i * sizeof(hvm_memmap_table_entry), raw))
            return "the PVH memory map lies outside of the first 4 GiB";

    if (info->nr_modules > 0) {
        const auto module = copy_at<hvm_modlist_entry>(memory, Mpa{info->modlist_paddr});
        if (!module)
            return "the PVH module list lies outside of the first 4 GiB";
        facts.module_start = Mpa{module->paddr};
        facts.module_bytes = module->size;
    }
    raw.command_line = text_at(memory, Mpa{info->cmdline_paddr});
    facts.rsdp = Mpa{info->rsdp_paddr};
    return nullptr;
}

// Multiboot2's tags, as in "Boot information format" of its specification
struct Tag {
    u32 type, size;
};
struct ModuleTag {
    Tag tag;
    u32 start, end;
};
struct MemoryMapTag {
    Tag tag;
    u32 entry_size, entry_version;
};
enum TagType : u32 { tag_end, tag_command_line, tag_module = 3, tag_memory_map = 6,
                     tag_frame_buffer = 8, tag_old_rsdp = 14, tag_new_rsdp = 15 };

void read_memory_map_tag(const PhysicalMemory& memory, Mpa at, u32 size, LoaderFacts& raw) {
    const auto map = copy_at<MemoryMapTag>(memory, at);
    if (!map || map->entry_size < sizeof(hvm_memmap_table_entry))
        return;
    for (u64 line = sizeof *map; line + map->entry_size <= size; line += map->entry_size)
        read_line(memory, at + line, raw);
}

void read_tag(const PhysicalMemory& memory, Mpa at, const Tag& tag, LoaderFacts& raw,
              MachineFacts& facts) {
    switch (tag.type) {
    case tag_command_line:
        raw.command_line = text_at(memory, at + sizeof(Tag), tag.size - sizeof(Tag));
        break;
    case tag_module:
        if (const auto module = copy_at<ModuleTag>(memory, at);
            module && module->end > module->start && facts.module_bytes == 0) {
            facts.module_start = Mpa{module->start};
            facts.module_bytes = module->end - module->start;
        }
        break;
    case tag_memory_map: read_memory_map_tag(memory, at, tag.size, raw); break;
    case tag_frame_buffer:
        facts.screen = copy_at<FrameBuffer>(memory, at + sizeof(Tag)).value_or({});
        break;
    // The tag holds a copy of ACPI's root pointer; the newer one wins
    case tag_old_rsdp:
        if (facts.rsdp.value == 0)
            facts.rsdp = at + sizeof(Tag);
        break;
    case tag_new_rsdp: facts.rsdp = at + sizeof(Tag); break;
    default: break;
    }
}

const char* read_multiboot2(const PhysicalMemory& memory, Mpa at, LoaderFacts& raw,
                            MachineFacts& facts) {
    facts.loader = "multiboot2";
    const auto header = copy_at<Tag>(memory, at);
    if (!header || !fits(at.value, header->type, memory.size()))
        return "the multiboot2 information lies outside of the first 4 GiB";

    // The list's first word is its size, where a tag has its type
    const u64 end = at.value + header->type;
    for (u64 next = at.value + sizeof(Tag); next + sizeof(Tag) <= end;) {
        const auto tag = copy_at<Tag>(memory, Mpa{next});
        if (!tag || tag->size < sizeof(Tag) || tag->size > end - next)
            return "a multiboot2 tag is longer than the list of tags";
        if (tag->type == tag_end)
            break;
        read_tag(memory, Mpa{next}, *tag, raw, facts);
        next += align_up(tag->size, 8);
    }
    if (raw.range_count == 0)
        return "multiboot2 gave no memory map";
    return nullptr;
}

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

const char* read_handover(const PhysicalMemory& memory, const Handover& handover, LoaderFacts& raw,
                          MachineFacts& facts) {
    if (handover.magic == pvh_magic)
        return read_start_info(memory, handover.info, raw, facts);
    if (handover.magic == multiboot2_magic)
        return read_multiboot2(memory, handover.info, raw, facts);
    return "I was not started by a PVH or a multiboot2 loader";
}

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

// What the loader hands over: Xen's PVH start info, and multiboot2's list of tags, read with care.
#include <boot/handover.hpp>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

namespace hv::boot {
namespace {

Result<> complain(LoaderFacts& raw, const char* complaint) {
    raw.complaint = complaint;
    return Error{XEN_EINVAL};
}

/// Both protocols use the numbers of the PC's memory map; an unknown one is reserved.
MemoryRange::Kind kind_of(u32 type) {
    return type >= 1 && type <= 5 ? static_cast<MemoryRange::Kind>(type)
                                  : MemoryRange::Kind::reserved;
}

Result<> read_start_info(const PhysicalMemory& memory, Mpa at, LoaderFacts& raw,
                         MachineFacts& facts) {
    facts.loader = "PVH";
    const auto info = copy_at<hvm_start_info>(memory, at);
    if (!info || info->magic != XEN_HVM_START_MAGIC_VALUE)
        return complain(raw, "the PVH start info has no magic number");
    if (info->version < 1 || info->memmap_entries == 0)
        return complain(raw, "the PVH start info has no memory map; version 1 of it has one");

    for (u32 i = 0; i < info->memmap_entries && i < LoaderFacts::max_ranges; ++i) {
        const auto entry = copy_at<hvm_memmap_table_entry>(
            memory, Mpa{info->memmap_paddr + i * sizeof(hvm_memmap_table_entry)});
        if (!entry)
            return complain(raw, "the PVH memory map lies outside of the first 4 GiB");
        raw.add({Mpa{entry->addr}, entry->size, kind_of(entry->type)});
    }

    if (info->nr_modules > 0) {
        const auto module = copy_at<hvm_modlist_entry>(memory, Mpa{info->modlist_paddr});
        if (!module)
            return complain(raw, "the PVH module list lies outside of the first 4 GiB");
        facts.module_start = Mpa{module->paddr};
        facts.module_bytes = module->size;
    }
    raw.command_line = text_at(memory, Mpa{info->cmdline_paddr});
    facts.rsdp = Mpa{info->rsdp_paddr};
    return {};
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
struct MemoryMapEntry {
    u64 address, length;
    u32 type, reserved;
};
enum TagType : u32 { tag_end, tag_command_line, tag_module = 3, tag_memory_map = 6,
                     tag_old_rsdp = 14, tag_new_rsdp = 15 };

void read_memory_map_tag(const PhysicalMemory& memory, Mpa at, u32 size, LoaderFacts& raw) {
    const auto map = copy_at<MemoryMapTag>(memory, at);
    if (!map || map->entry_size < sizeof(MemoryMapEntry))
        return;
    for (u64 offset = sizeof(MemoryMapTag); offset + map->entry_size <= size;
         offset += map->entry_size)
        if (const auto entry = copy_at<MemoryMapEntry>(memory, at + offset))
            raw.add({Mpa{entry->address}, entry->length, kind_of(entry->type)});
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
    // The tag holds a copy of ACPI's root pointer; the newer one wins
    case tag_old_rsdp:
        if (facts.rsdp.value == 0)
            facts.rsdp = at + sizeof(Tag);
        break;
    case tag_new_rsdp: facts.rsdp = at + sizeof(Tag); break;
    default: break;
    }
}

Result<> read_multiboot2(const PhysicalMemory& memory, Mpa at, LoaderFacts& raw,
                         MachineFacts& facts) {
    facts.loader = "multiboot2";
    const auto header = copy_at<Tag>(memory, at);
    if (!header || !fits(at.value, header->type, memory.size()))
        return complain(raw, "the multiboot2 information lies outside of the first 4 GiB");

    // The list's first word is its size, where a tag has its type
    const u64 end = at.value + header->type;
    for (u64 next = at.value + sizeof(Tag); next + sizeof(Tag) <= end;) {
        const auto tag = copy_at<Tag>(memory, Mpa{next});
        if (!tag || tag->size < sizeof(Tag) || tag->size > end - next)
            return complain(raw, "a multiboot2 tag is longer than the list of tags");
        if (tag->type == tag_end)
            break;
        read_tag(memory, Mpa{next}, *tag, raw, facts);
        next += align_up(tag->size, 8);
    }
    if (raw.range_count == 0)
        return complain(raw, "multiboot2 gave no memory map");
    return {};
}

}  // namespace

std::string_view text_at(const PhysicalMemory& memory, Mpa address, size_t limit) {
    if (address.value == 0 || address.value >= memory.size())
        return {};
    const auto* text = reinterpret_cast<const char*>(memory.at(address));
    const u64 room = memory.size() - address.value;
    size_t length = 0;
    while (length < limit && length < room && text[length] != '\0')
        ++length;
    return {text, length};
}

Result<> read_handover(const PhysicalMemory& memory, const Handover& handover, LoaderFacts& raw,
                       MachineFacts& facts) {
    if (handover.magic == pvh_magic)
        return read_start_info(memory, handover.info, raw, facts);
    if (handover.magic == multiboot2_magic)
        return read_multiboot2(memory, handover.info, raw, facts);
    return complain(raw, "I was not started by a PVH or a multiboot2 loader");
}

}  // namespace hv::boot

// The fixed furniture of a new domain.
#include "furnish.hpp"

#include "acpi.hpp"
#include "control.hpp"

#include <string.h>

namespace dom0 {

std::vector<hvm_memmap_table_entry> memory_map(u32 memory_mib) {
    constexpr u64 hole_start = 0xa0000, hole_end = 0x100000;
    return {
        {0, hole_start, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {hole_end, memory_mib * MiB - hole_end, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {acpi_base.value, page_size, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
        {address_of(special_frames).value, special_count * page_size, XEN_HVM_MEMMAP_TYPE_RESERVED,
         0},
    };
}

Result<> set_memory_map(u16 domain, const std::vector<hvm_memmap_table_entry>& map) {
    struct [[gnu::packed]] E820Entry {
        u64 address, size;
        u32 type;
    };
    std::vector<E820Entry> entries;
    entries.reserve(map.size());
    for (auto& entry : map)
        entries.push_back({entry.addr, entry.size, entry.type});
    xen_foreign_memory_map argument = {};
    argument.domid = domain;
    argument.map.nr_entries = u32(entries.size());
    set_xen_guest_handle(argument.map.buffer, static_cast<void*>(entries.data()));
    TRY(memory_op(XENMEM_set_memory_map, &argument));
    return {};
}

namespace {

/// One record of the saved state: its descriptor, then its bytes (xen/hvm/save.h).
template <class Record>
void append(std::vector<u8>& context, u16 type, u16 vcpu, const Record& record) {
    hvm_save_descriptor descriptor = {type, vcpu, sizeof record};
    auto* head = reinterpret_cast<const u8*>(&descriptor);
    auto* body = reinterpret_cast<const u8*>(&record);
    context.insert(context.end(), head, head + sizeof descriptor);
    context.insert(context.end(), body, body + sizeof record);
}

/// The first record of `type` in a saved state.
template <class Record> Result<Record> find_record(std::span<const u8> context, u16 type) {
    hvm_save_descriptor descriptor;
    while (context.size() >= sizeof descriptor) {
        memcpy(&descriptor, context.data(), sizeof descriptor);
        context = context.subspan(sizeof descriptor);
        if (context.size() < descriptor.length) break;
        if (descriptor.typecode == type && descriptor.length == sizeof(Record)) {
            Record record;
            memcpy(&record, context.data(), sizeof record);
            return record;
        }
        context = context.subspan(descriptor.length);
    }
    return Error{Errno::XEN_ENOENT};
}

hvm_hw_cpu first_registers(Gpa entry, Gpa start_info) {
    constexpr u32 flat_code = 0xc9b, flat_data = 0xc93, busy_tss = 0x8b;
    constexpr u64 protected_mode = 1 << 0, extension_type = 1 << 4;
    hvm_hw_cpu cpu = {};
    cpu.rip = entry.value;
    cpu.rbx = start_info.value;
    cpu.rflags = 2;
    cpu.cr0 = protected_mode | extension_type;
    cpu.dr6 = 0xffff0ff0;
    cpu.dr7 = 0x400;
    cpu.cs_limit = cpu.ds_limit = cpu.es_limit = cpu.fs_limit = cpu.gs_limit = cpu.ss_limit = ~0u;
    cpu.cs_arbytes = flat_code;
    cpu.ds_arbytes = cpu.es_arbytes = cpu.ss_arbytes = flat_data;
    cpu.tr_limit = 0x67;
    cpu.tr_arbytes = busy_tss;
    return cpu;
}

/// A 32-bit page directory that maps 4 GiB to itself in 4 MiB pages.
Result<> write_identity_map(u16 domain) {
    constexpr u32 present_writable_user_accessed_dirty_large = 0xe7;
    u32 directory[1024];
    for (u32 i = 0; i < 1024; i++)
        directory[i] = i << 22 | present_writable_user_accessed_dirty_large;
    GuestWriter guest{domain};
    return guest.write_value(address_of(identity_frame), directory);
}

}  // namespace

Result<> set_first_vcpu(u16 domain, u16 vcpus, Gpa entry, Gpa start_info) {
    TRY(write_identity_map(domain));

    // The header record comes from Xen itself: it names the version and the processor.
    auto current = get_hvm_context(domain);
    if (!current) return current.error();
    constexpr size_t header_size = sizeof(hvm_save_descriptor) + HVM_SAVE_LENGTH(HEADER);
    if (current->size() < header_size) return Error{Errno::XEN_EINVAL};
    std::vector<u8> context{current->begin(), current->begin() + header_size};

    // The MTRRs and the PAT as Xen has them after reset, but switched on
    constexpr u32 mtrrs_on_write_back = 0x800 | 6;
    auto mtrr = find_record<hvm_hw_mtrr>(*current, HVM_SAVE_CODE(MTRR));
    if (!mtrr) return mtrr.error();
    mtrr->msr_mtrr_def_type = mtrrs_on_write_back;
    append(context, HVM_SAVE_CODE(CPU), 0, first_registers(entry, start_info));
    for (u16 vcpu = 0; vcpu < vcpus; vcpu++)
        append(context, HVM_SAVE_CODE(MTRR), vcpu, *mtrr);
    hvm_save_descriptor end = {HVM_SAVE_CODE(END), 0, 0};
    auto* bytes = reinterpret_cast<const u8*>(&end);
    context.insert(context.end(), bytes, bytes + sizeof end);
    return set_hvm_context(domain, context);
}

Result<> seed_grants(u16 domain) {
    // The table has no place in a new guest's memory: it is shown at a free frame for a moment.
    constexpr Gfn scratch{0xff000};
    xen_add_to_physmap show = {};
    show.domid = domain;
    show.space = XENMAPSPACE_grant_table;
    show.gpfn = scratch.value;
    TRY(memory_op(XENMEM_add_to_physmap, &show));
    {
        auto page = MappedPage::map(domain, scratch);
        if (!page) return page.error();
        auto* rows = page->as<grant_entry_v1_t>();
        rows[GNTTAB_RESERVED_CONSOLE] = {GTF_permit_access, 0, u32(console_frame.value)};
        rows[GNTTAB_RESERVED_XENSTORE] = {GTF_permit_access, 0, u32(store_frame.value)};
    }
    xen_remove_from_physmap hide = {domain, scratch.value};
    TRY(memory_op(XENMEM_remove_from_physmap, &hide));
    return {};
}

}  // namespace dom0

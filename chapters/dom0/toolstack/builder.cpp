// Building a domain, step by step, with nothing but Xen's own calls.
#include "builder.hpp"

#include "acpi.hpp"
#include "control.hpp"
#include "furnish.hpp"

#include <kit/events.hpp>

namespace dom0 {

Result<Newborn> Builder::build() {
    using Step = Result<> (Builder::*)();
    constexpr Step steps[] = {
        &Builder::check, &Builder::read_kernel,      &Builder::make_domain, &Builder::give_memory,
        &Builder::load,  &Builder::write_start_info, &Builder::furnish,     &Builder::connect};
    for (auto step : steps) {
        auto done = (this->*step)();
        if (done.ok()) continue;

        // Whatever has been made goes again. The step's error is what the caller hears.
        newborn_.console = {};
        newborn_.store = {};
        if (newborn_.id != 0) (void)destroy_domain(newborn_.id);
        return done.error();
    }
    return std::move(newborn_);
}

Result<> Builder::check() {
    step_ = "memory must be 4 MiB or more and below 3840 MiB";
    if (order_.memory_mib < 4 || order_.memory_mib >= 3840) return Error{Errno::XEN_EINVAL};
    step_ = "a domain takes 8 ramdisks at most";
    if (order_.ramdisks.size() > 8) return Error{Errno::XEN_E2BIG};
    step_ = "vcpus must be 1 to 64";
    if (order_.vcpus < 1 || order_.vcpus > 64) return Error{Errno::XEN_EINVAL};
    step_ = "there is not so much free memory";
    auto machine = physical_info();
    if (machine.ok() && machine->free_pages < order_.memory_mib * MiB / page_size)
        return Error{Errno::XEN_ENOMEM};
    return {};
}

Result<> Builder::read_kernel() {
    elf_ = order_.kernel;
    if (auto payload = find_payload(order_.kernel)) {
        auto unpacked = unpack(*payload);
        if (!unpacked) {
            step_ = why_not(payload->packing, unpacked.error().code);
            return unpacked.error();
        }
        unpacked_ = std::move(*unpacked);
        elf_ = unpacked_.view();
    }
    const char* why = "the kernel is not a PVH kernel";
    auto image = parse_elf(elf_, &why);
    if (!image) {
        step_ = why;
        return image.error();
    }
    image_ = *image;

    step_ = "kernel and ramdisk do not fit into its memory";
    u64 end = align_up(image_.highest, page_size);
    for (auto& ramdisk : order_.ramdisks) {
        modules_.push_back({end, ramdisk.size(), 0, 0});
        end = align_up(end + ramdisk.size(), page_size);
    }
    start_info_ = Gpa{end};
    if (start_info_.value + 2 * page_size > order_.memory_mib * MiB)
        return Error{Errno::XEN_ENOMEM};
    return {};
}

Result<> Builder::make_domain() {
    step_ = "creating the domain";
    auto id = create_domain({.vcpus = order_.vcpus});
    if (!id) return id.error();
    newborn_.id = *id;
    step_ = "its vCPUs";
    TRY(set_max_vcpus(*id, order_.vcpus));
    step_ = "its memory limit";
    TRY(set_max_memory(*id, (order_.memory_mib + 1) * 1024));

    // One page for each MiB and 256 for each vCPU, four times over: what xl sets aside too.
    step_ = "its page-table memory";
    u64 pages = 4 * (256 * u64{order_.vcpus} + 2 * u64{order_.memory_mib});
    return set_paging_pool(*id, align_up(pages * 1024, page_size));
}

Result<> Builder::give_memory() {
    step_ = "giving it memory";
    u16 id = newborn_.id;

    // Also where a PC has its video memory and its BIOS: kernels look there, and find zeros.
    TRY(populate(id, Gfn{0}, order_.memory_mib * MiB / page_size));
    TRY(populate(id, special_frames, special_count));
    auto tables = make_acpi(order_.vcpus);
    TRY(populate(id, frame_of(acpi_base), pages_of(tables.bytes.size())));
    step_ = "telling it its memory map";
    return set_memory_map(id, memory_map(order_.memory_mib));
}

Result<> Builder::load() {
    step_ = "loading its kernel";
    GuestWriter guest{newborn_.id};
    for (auto& segment : image_.segments()) {
        Gpa to{segment.address};
        TRY(guest.write(to, elf_.subspan(segment.offset, segment.file_bytes)));
        TRY(guest.zero(to + segment.file_bytes, segment.memory_bytes - segment.file_bytes));
    }
    step_ = "loading its ramdisk";
    for (size_t i = 0; i < modules_.size(); i++)
        TRY(guest.write(Gpa{modules_[i].paddr}, order_.ramdisks[i]));
    step_ = "writing its ACPI tables";
    TRY(guest.write(acpi_base, make_acpi(order_.vcpus).bytes));
    step_ = "clearing its rings";
    return guest.zero(address_of(special_frames), special_count * page_size);
}

/// One page: the start info, the modules, the memory map; the next page: the command line.
Result<> Builder::write_start_info() {
    step_ = "its command line is longer than 4095 letters";
    if (order_.command_line.size() >= page_size) return Error{Errno::XEN_E2BIG};
    step_ = "writing its start info";
    auto map = memory_map(order_.memory_mib);
    Gpa modules_at = start_info_ + sizeof(hvm_start_info);
    Gpa map_at = modules_at + modules_.size() * sizeof(hvm_modlist_entry);
    Gpa command_line = start_info_ + page_size;

    hvm_start_info info = {};
    info.magic = XEN_HVM_START_MAGIC_VALUE;
    info.version = 1;
    info.nr_modules = u32(modules_.size());
    info.modlist_paddr = modules_at.value;
    info.cmdline_paddr = command_line.value;
    info.rsdp_paddr = make_acpi(order_.vcpus).root.value;
    info.memmap_paddr = map_at.value;
    info.memmap_entries = u32(map.size());

    GuestWriter guest{newborn_.id};
    TRY(guest.zero(start_info_, 2 * page_size));
    TRY(guest.write_value(start_info_, info));
    for (size_t i = 0; i < modules_.size(); i++)
        TRY(guest.write_value(modules_at + i * sizeof modules_[i], modules_[i]));
    for (size_t i = 0; i < map.size(); i++)
        TRY(guest.write_value(map_at + i * sizeof map[i], map[i]));
    return guest.write(command_line, {reinterpret_cast<const u8*>(order_.command_line.data()),
                                      order_.command_line.size()});
}

Result<> Builder::furnish() {
    u16 id = newborn_.id;
    step_ = "its parameters";
    constexpr u64 no_delay_for_missed_ticks = 1;
    TRY(set_param(id, HVM_PARAM_TIMER_MODE, no_delay_for_missed_ticks));
    TRY(set_param(id, HVM_PARAM_TRIPLE_FAULT_REASON, SHUTDOWN_crash));
    TRY(set_param(id, HVM_PARAM_STORE_PFN, store_frame.value));
    TRY(set_param(id, HVM_PARAM_CONSOLE_PFN, console_frame.value));
    TRY(set_param(id, HVM_PARAM_IDENT_PT, address_of(identity_frame).value));
    if (has_grants) {
        step_ = "its first two grants";
        TRY(seed_grants(id));
    }
    step_ = "its first vCPU's registers";
    return set_first_vcpu(id, u16(order_.vcpus), Gpa{image_.entry}, start_info_);
}

/// Rings and doorbells between the guest and us.
Result<> Builder::connect() {
    u16 id = newborn_.id;
    step_ = "mapping its rings";
    auto console = MappedPage::map(id, console_frame);
    if (!console) return console.error();
    newborn_.console = std::move(*console);
    auto store = MappedPage::map(id, store_frame);
    if (!store) return store.error();
    newborn_.store = std::move(*store);
    if (!has_events) return {};

    step_ = "its event channels";
    struct TwoPorts {
        u32 parameter;
        u32 &theirs, &ours;
    } bells[] = {
        {HVM_PARAM_CONSOLE_EVTCHN, newborn_.guest_console_port, newborn_.console_port},
        {HVM_PARAM_STORE_EVTCHN, newborn_.guest_store_port, newborn_.store_port},
    };
    for (auto& bell : bells) {
        auto theirs = alloc_unbound(id, 0);
        if (!theirs) return theirs.error();
        bell.theirs = *theirs;
        TRY(set_param(id, bell.parameter, *theirs));
        auto ours = bind_interdomain(id, *theirs);
        if (!ours) return ours.error();
        bell.ours = *ours;
    }
    return {};
}

}  // namespace dom0

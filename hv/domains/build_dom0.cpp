// dom0's birth: its RAM, its kernel, what it finds at its start, and its first registers.
#include <algorithm>
#include <domains/archive.hpp>
#include <domains/elf.hpp>
#include <domains/household.hpp>
#include <domains/shared_info.hpp>
#include <domains/trace.hpp>
#include <domains/vcpu_start.hpp>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/domctl.h>

namespace hv {
namespace {

constexpr u64 dom0_start = 16 * MiB;        ///< where its RAM begins, inside and out
constexpr u64 dom0_least_memory = 16 * MiB;
constexpr u64 dom0_highest_end = 1 * GiB;   ///< above it sees other domains' pages

/// Why dom0 cannot be, and the error that ends the boot.
template <class... Arguments>
Error complain(Machine& machine, Errno code, std::string_view line, const Arguments&... arguments) {
    print(machine.refusal, line, arguments...);
    return Error{code};
}

/// Where everything of dom0 lies, as guest and machine addresses at once.
struct Plan {
    u64 start = dom0_start;
    u64 end = 0;         ///< of its RAM
    u64 module = 0;      ///< the boot module's new place, just below `end`
    u64 info = 0;        ///< the start info's page, just below the module
    ElfImage kernel{};
};

Result<std::span<const u8>> find_kernel(Machine& machine, std::span<const u8> module) {
    if (module.empty())
        return complain(machine, XEN_ENOENT,
                        "no boot module was loaded: add module.cpio (-initrd, or module2 in GRUB)");
    const char* why = "";
    const Archive archive{module};
    if (const auto whole = archive.check(&why); !whole.ok())
        return complain(machine, XEN_EINVAL, "the boot module is damaged: {}", why);
    const auto found = archive.find("dom0", &why);
    if (!found.ok())
        return complain(machine, XEN_ENOENT, "the boot module holds no file called dom0: {}", why);
    return found->bytes;
}

Result<Plan> make_plan(Machine& machine, std::span<const u8> file) {
    Plan plan;
    const u64 bytes = align_down(machine.options.dom0_mebibytes * MiB, 2 * MiB);
    plan.end = plan.start + bytes;
    if (bytes < dom0_least_memory || plan.end > dom0_highest_end)
        return complain(machine, XEN_EINVAL, "dom0_mem={} MiB will not do: {} to {} would",
                        machine.options.dom0_mebibytes, dom0_least_memory / MiB,
                        (dom0_highest_end - dom0_start) / MiB);
    const char* why = "";
    const auto kernel = parse_elf(file, &why);
    if (!kernel.ok())
        return complain(machine, XEN_EINVAL, "the file dom0 is no PVH kernel: {}", why);
    plan.kernel = *kernel;

    const u64 module_room = align_up(machine.facts.module_bytes, page_size) + page_size;
    if (module_room > bytes)
        return complain(machine, XEN_ENOMEM,
                        "the boot module ({} KiB) does not fit into dom0_mem={} MiB",
                        machine.facts.module_bytes / KiB, bytes / MiB);
    plan.module = plan.end - module_room + page_size;
    plan.info = plan.module - page_size;
    if (kernel->lowest < plan.start || kernel->highest > plan.info)
        return complain(machine, XEN_ENOMEM,
                        "dom0's kernel wants {:x} to {:x}, but dom0 has {:x} to {:x}: link it "
                        "at 16 MiB, or raise dom0_mem",
                        kernel->lowest, kernel->highest, plan.start, plan.info);
    return plan;
}

Result<DomainRef> make_domain(Machine& machine, Cpu& cpu) {
    xen_domctl_createdomain wish{};
    wish.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    wish.max_vcpus = 1;
    wish.max_evtchn_port = 1023;
    wish.max_grant_frames = 64;
    wish.max_maptrack_frames = 1024;
    wish.grant_opts = XEN_DOMCTL_GRANT_version(1);
    wish.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    household(machine).next_id = 0;  // the next free number is then dom0's
    auto made = create_domain(machine, cpu, 0, wish);
    if (made.ok()) {
        (*made)->privileged = true;
        (*made)->p2m.pool = machine.frames.frame_count();
    }
    return made;
}

/// Takes the RAM at its fixed place and maps it one to one, in pages of 2 MiB.
Result<> give_memory(Machine& machine, Domain& domain, const Plan& plan) {
    constexpr u8 order = 9;
    const Mfn first = frame_of(Mpa{plan.start});
    const u64 count = (plan.end - plan.start) >> page_shift;
    if (!machine.frames.take_range(domain.id, first, count).ok())
        return complain(machine, XEN_ENOMEM,
                        "dom0 wants the {} MiB from 16 MiB on, which are not all free in this "
                        "machine's {} MiB of RAM: {} MiB would do, or a smaller dom0_mem",
                        (plan.end - plan.start) / MiB,
                        boot::usable_bytes(machine.facts.ranges()) / MiB,
                        (plan.end + machine.facts.module_bytes) / MiB + 8);
    for (u64 i = 0; i < count; ++i)
        machine.frames.row(first + i).uses = 2;  // owned, and mapped
    domain.frames_owned.store(count);
    domain.frames_limit = count;
    for (u64 i = 0; i < count; i += 1ull << order)
        if (!domain.p2m.add(Gfn{first.value + i}, first + i, order, x86::full_access).ok())
            return complain(machine, XEN_ENOMEM, "no memory is left for dom0's nested tables");
    return {};
}

void load_kernel(Machine& machine, const Plan& plan, std::span<const u8> file) {
    for (const ElfSegment& segment : plan.kernel.segments())
        std::copy_n(file.data() + segment.offset, segment.file_bytes,
                    machine.memory.at(Mpa{segment.address}));
}

/// dom0 has its copy of the boot module: the place where the loader put it is free for others.
void free_first_place(Machine& machine) {
    const u64 start = machine.facts.module_start.value;
    const Mfn first = frame_of(Mpa{align_up(start, page_size)});
    const Mfn end = frame_of(Mpa{align_up(start + machine.facts.module_bytes, page_size)});
    machine.frames.add(first, end - first);
}

/// The page that EBX points to at the start: who lies where.
struct StartPage {
    hvm_start_info info;
    hvm_modlist_entry module;
    hvm_memmap_table_entry map[1];
    char command_line[1024];
};
static_assert(sizeof(StartPage) <= page_size);

void write_start_page(Machine& machine, const Plan& plan) {
    auto& page = *machine.memory.as<StartPage>(Mpa{plan.info});
    page.info.magic = XEN_HVM_START_MAGIC_VALUE;
    page.info.version = 1;
    page.info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    page.info.nr_modules = 1;
    page.info.modlist_paddr = plan.info + offsetof(StartPage, module);
    page.info.cmdline_paddr = plan.info + offsetof(StartPage, command_line);
    page.info.memmap_paddr = plan.info + offsetof(StartPage, map);
    page.info.memmap_entries = 1;
    page.module.paddr = plan.module;
    page.module.size = machine.facts.module_bytes;
    page.map[0] = {plan.start, plan.end - plan.start, XEN_HVM_MEMMAP_TYPE_RAM, 0};
    const std::string_view line = machine.facts.command_line.view();
    std::copy_n(line.begin(), std::min(line.size(), sizeof page.command_line - 1),
                page.command_line);
}

/// PVH's first state: 32-bit protected mode, flat segments, paging off, EBX at the start info.
Result<> set_first_state(Vcpu& vcpu, const Plan& plan) {
    vcpu_hvm_context_t told{};
    told.mode = VCPU_HVM_MODE_32B;
    vcpu_hvm_x86_32& cpu = told.cpu_regs.x86_32;
    cpu.ebx = static_cast<u32>(plan.info);
    cpu.eip = plan.kernel.entry;
    cpu.eflags = 2;
    cpu.cr0 = 0x11;  // protected mode
    cpu.cs_limit = cpu.ds_limit = cpu.es_limit = cpu.ss_limit = ~0u;
    cpu.tr_limit = 0x67;
    cpu.cs_ar = 0xc9b;
    cpu.ds_ar = cpu.es_ar = cpu.ss_ar = 0xc93;
    cpu.tr_ar = 0x8b;
    vcpu.mtrr.default_type = 0xc06;  // on, fixed ranges on, write-back
    return start_as_told(vcpu, told);
}

}  // namespace

Result<> build_dom0(Machine& machine, Cpu& cpu) {
    const std::span<const u8> module{machine.memory.at(machine.facts.module_start),
                                     machine.facts.module_bytes};
    const auto file = TRY(find_kernel(machine, module));
    const Plan plan = TRY(make_plan(machine, file));

    auto made = make_domain(machine, cpu);
    if (!made.ok())
        return complain(machine, made.error().code, "no memory is left for a first domain");
    Domain& domain = **made;
    TRY(give_memory(machine, domain, plan));
    load_kernel(machine, plan, file);
    std::copy(module.begin(), module.end(), machine.memory.at(Mpa{plan.module}));
    write_start_page(machine, plan);
    show_wall_clock(domain);

    const auto vcpu = create_vcpu(domain, 0);
    if (!vcpu.ok() || !set_first_state(**vcpu, plan).ok())
        return complain(machine, XEN_ENOMEM, "no memory is left for dom0's vCPU");
    tell(cpu, first_child, domain.id, domain.frames_owned.load(), plan.start, plan.kernel.entry);
    bring_up(**vcpu);
    free_first_place(machine);
    domain.paused_by_toolstack = false;
    return unpause(domain);
}

}  // namespace hv

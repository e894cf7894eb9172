// The machine in a test's memory: how it is put together, and the few things that only metal has.
#include <boot/hosted/twin.hpp>
#include <domains/vcpu_start.hpp>
#include <unit/small_machine.hpp>
#include <x86/page_format.hpp>

namespace hv {

// What the image has from files that touch devices
[[gnu::weak]] Whereabouts::Whereabouts() : slice{[](Timer&, Cpu&) {}} {}

namespace x86 {
[[gnu::weak]] void reset_fpu_area(u8*) {}
}  // namespace x86

namespace test {
namespace {

x86::CpuState& registers(x86::VirtualCpu& vcpu) {
    return *static_cast<x86::CpuState*>(vcpu.control);
}

}  // namespace

const x86::EngineOperations paper_engine{
    .name = "SVM",
    .nested_format = &x86::npt_format,
    .probe = nullptr,
    .turn_on = nullptr,
    .create = [](x86::VirtualCpu& vcpu, x86::FrameSource&) {
        vcpu.control = new x86::CpuState;
        return Result<>{};
    },
    .destroy = [](x86::VirtualCpu& vcpu, x86::FrameSource&) {
        delete static_cast<x86::CpuState*>(vcpu.control);
        vcpu.control = nullptr;
    },
    .read_state = [](x86::VirtualCpu& vcpu, x86::CpuState& state) { state = registers(vcpu); },
    .write_state = [](x86::VirtualCpu& vcpu, const x86::CpuState& state) {
        registers(vcpu) = state;
        return Result<>{};
    },
    .paging_state = [](x86::VirtualCpu& vcpu) {
        const x86::CpuState& state = registers(vcpu);
        return x86::PagingState{state.cr0, state.cr3, state.cr4, state.efer, 0, 0};
    },
    .set_instruction_pointer = [](x86::VirtualCpu& vcpu, u64 rip) { registers(vcpu).rip = rip; },
    .read_msr = [](x86::VirtualCpu&, u32) { return Result<u64>{Error{XEN_ENOENT}}; },
    .write_msr = [](x86::VirtualCpu&, u32, u64) { return Result<>{Error{XEN_ENOENT}}; },
};

namespace {

constexpr HypercallRow calls[] = {
    {__HYPERVISOR_memory_op, memory_op},
    {__HYPERVISOR_multicall, multicall},
    {__HYPERVISOR_set_timer_op, set_timer_op},
    {__HYPERVISOR_xen_version, xen_version},
    {__HYPERVISOR_console_io, console_io},
    {__HYPERVISOR_vm_assist, vm_assist},
    {__HYPERVISOR_vcpu_op, vcpu_op},
    {__HYPERVISOR_sched_op, sched_op},
    {__HYPERVISOR_hvm_op, hvm_op},
    {__HYPERVISOR_sysctl, sysctl},
    {__HYPERVISOR_domctl, domctl},
};
constexpr PhysmapSpace spaces[] = {{XENMAPSPACE_shared_info, shared_info_space}};
const DomainPlug test_plug{
    .chapter = Chapter::domains, .hypercalls = calls, .physmap_spaces = spaces};

constexpr u64 first_free = 0x100;  // the first MiB is nobody's, as on a real machine

}  // namespace

SmallMachine::SmallMachine(u64 ram, unsigned cpus)
    : ram_{static_cast<u8*>(std::aligned_alloc(2 * MiB, ram))}, rows_(ram >> page_shift),
      machine_{std::make_unique<Machine>()} {
    machine_->memory = PhysicalMemory{ram_.get(), ram};
    machine_->frames.lay_out(machine_->memory, rows_.data(), rows_.size());
    machine_->frames.add(Mfn{first_free}, rows_.size() - first_free);
    machine_->clock.calibrate(2'400'000'000);
    machine_->clock.wall_seconds = 1'790'000'000;
    machine_->engine = &paper_engine;
    for (unsigned number = 0; number < cpus; ++number) {
        Cpu& cpu = *cpus_.emplace_back(std::make_unique<Cpu>());
        cpu.machine = machine_.get();
        cpu.number = static_cast<u16>(number);
        machine_->cpus[number] = &cpu;
        cpu.parts.furnish(*make<Whereabouts>(*machine_));
    }
    machine_->cpu_count = static_cast<u16>(cpus);
    play(&cpu());
    Household& house = **make<Household>(*machine_);
    machine_->parts.furnish(&house);
    house.scheduler = *make_round_robin(*machine_);
    house.next_id = 0;
    join(*machine_, test_plug);
}

SmallMachine::~SmallMachine() {
    // The paper engine's registers are the test's own memory: they go back with their domains
    Household& house = household(*machine_);
    for (Domain& domain : house.domains)
        for (Vcpu* vcpu : domain.vcpus)
            if (vcpu != nullptr && vcpu->hardware.control != nullptr)
                delete static_cast<x86::CpuState*>(vcpu->hardware.control);
    house.domains.clear();
    play(nullptr);
}

Domain& SmallMachine::add_domain(u64 mib) {
    xen_domctl_createdomain wish{};
    wish.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    wish.max_vcpus = 1;
    wish.max_evtchn_port = 1023;
    wish.max_grant_frames = 4;
    wish.max_maptrack_frames = 1;
    wish.grant_opts = XEN_DOMCTL_GRANT_version(2);
    auto made = create_domain(*machine_, cpu(), 0, wish);
    EXPECT_TRUE(made.ok());
    Domain& domain = **made;
    domain.privileged = domain.id == 0;
    domain.frames_limit = mib * MiB / page_size;
    for (u64 gfn = 0; gfn < domain.frames_limit; gfn += 1u << 9)
        EXPECT_TRUE(give_ram(domain, Gfn{gfn}, 9).ok());
    const auto vcpu = create_vcpu(domain, 0);
    EXPECT_TRUE(vcpu.ok());
    bring_up(**vcpu);
    return domain;
}

s64 SmallMachine::call(Domain& caller, unsigned number, std::array<u64, 6> arguments, bool wide) {
    constexpr unsigned wide_order[] = {7, 6, 2, 10, 8, 9}, narrow_order[] = {3, 1, 2, 6, 7, 5};
    Vcpu& vcpu = *caller.vcpus[0];
    for (unsigned i = 0; i < 6; ++i)
        vcpu.hardware.gpr[wide ? wide_order[i] : narrow_order[i]] = arguments[i];
    const HypercallHandler handler = household(*machine_).hypercalls[number];
    if (handler == nullptr)
        return refuse(XEN_ENOSYS);
    play(&cpu());
    for (;;) {
        cpu().asks = hurry ? u32{ask_reschedule} : 0u;
        Call now{cpu(), vcpu, wide};
        const Answer answer = handler(now);
        if (answer != Call::again)
            return answer.value;
        ++repeats;
    }
}

s64 SmallMachine::domctl(Domain& caller, xen_domctl_t& op) {
    put(caller, 0x8000, op);
    const s64 result = call(caller, __HYPERVISOR_domctl, {0x8000});
    get(caller, 0x8000, op);
    return result;
}

u8* SmallMachine::at(Domain& domain, u64 address) {
    const auto page = domain.p2m.look_up(frame_of(Gpa{address}));
    EXPECT_TRUE(page.ok()) << "no memory at " << std::hex << address;
    return machine_->memory.at(page->frame) + (address & page_mask);
}

}  // namespace test
}  // namespace hv

// Chapter domains: what it plugs into the machine, and how the first child is born.
#include <domains/calls.hpp>
#include <domains/trace.hpp>

namespace hv::domains {
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

constexpr DomainPlug domain_plug{
    .chapter = Chapter::domains,
    .hypercalls = calls,
    .physmap_spaces = spaces,
};

Result<> open(Machine& machine, Cpu&) {
    Household* const house = TRY(make<Household>(machine));
    machine.parts.furnish(house);
    house->scheduler = TRY(make_round_robin(machine));
    join(machine, domain_plug);
    machine.work = work;
    return {};
}

Result<> open_cpu(Cpu& cpu) {
    cpu.parts.furnish(TRY(make<Whereabouts>(*cpu.machine)));
    x86::FrameSource frames = frame_source(*cpu.machine);
    return cpu.machine->engine->turn_on(cpu.number, cpu.machine->clock.ticks_per_second, frames);
}

}  // namespace

constexpr Plug plug{
    .chapter = Chapter::domains,
    .title = "Domains",
    .events = domain_events,
    .open = open,
    .open_cpu = open_cpu,
    .start = build_dom0,
};

}  // namespace hv::domains

// vcpu_op (xen/vcpu.h): what may be asked of this vCPU, of one that is down, and of none.
#include "places.hpp"

#include <kit/heap.hpp>

namespace oracle {
namespace {

long vcpu(u32 command, u32 number, const void* argument) {
    return hypercall(__HYPERVISOR_vcpu_op, command, number, address(argument));
}

/// What no argument of ours must start: going down would take the domain with it.
bool is_final(u32 command) { return command == VCPUOP_down || command == VCPUOP_up; }

void ask_ids() {
    for (u32 command = 0; command < 16; command++) {
        const auto name = words("command {}", command);
        tell("vcpu.of vCPU 2", name, vcpu(command, 2, nullptr));
        tell("vcpu.of vCPU 128", name, vcpu(command, 128, nullptr));
        tell("vcpu.of vCPU of all ones", name, vcpu(command, ~0u, nullptr));
        if (is_final(command)) continue;
        const auto absent = reinterpret_cast<const void*>(absent_page());
        tell("vcpu.absent", name, vcpu(command, 0, absent));
        tell("vcpu.absent, of vCPU 1", name, vcpu(command, 1, absent));
    }
    tell("vcpu.command: all ones", vcpu(~0u, 0, nullptr));
    tell("vcpu.is up: 0", vcpu(VCPUOP_is_up, 0, nullptr));
    tell("vcpu.is up: 1", vcpu(VCPUOP_is_up, 1, nullptr));
    tell("vcpu.up: vCPU 1, never initialised", vcpu(VCPUOP_up, 1, nullptr));
    tell("vcpu.up: vCPU 0, up already", vcpu(VCPUOP_up, 0, nullptr));
    tell("vcpu.down: vCPU 1, down already", vcpu(VCPUOP_down, 1, nullptr));
}

void ask_runstate() {
    vcpu_runstate_info info = {};
    info.state = 77;
    tell("vcpu.runstate", vcpu(VCPUOP_get_runstate_info, 0, &info));
    tell("vcpu.runstate: state", info.state);
    tell("vcpu.runstate: has run", info.time[RUNSTATE_running] > 0);
    info.state = 77;
    tell("vcpu.runstate: vCPU 1", vcpu(VCPUOP_get_runstate_info, 1, &info));
    tell("vcpu.runstate: vCPU 1, state", info.state);
    tell("vcpu.runstate: vCPU 1, has run", info.time[RUNSTATE_running] > 0);
    tell_at_places("vcpu.runstate at", info, [](u64 at) {
        return hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, at);
    });
    static constinit vcpu_runstate_info area = {};
    vcpu_register_runstate_memory_area wish = {};
    wish.addr.h.p = &area;
    tell("vcpu.runstate area", vcpu(VCPUOP_register_runstate_memory_area, 0, &wish));
    tell("vcpu.runstate area: state", area.state);
    wish.addr.h.p = reinterpret_cast<vcpu_runstate_info*>(absent_page());
    tell("vcpu.runstate area: absent", vcpu(VCPUOP_register_runstate_memory_area, 0, &wish));
    wish.addr.h.p = nullptr;
    tell("vcpu.runstate area: null", vcpu(VCPUOP_register_runstate_memory_area, 0, &wish));
    static constinit vcpu_time_info time = {};
    vcpu_register_time_memory_area where = {};
    where.addr.h.p = &time;
    tell("vcpu.time area", vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &where));
    tell("vcpu.time area: filled", time.tsc_to_system_mul != 0);
    where.addr.h.p = nullptr;
    tell("vcpu.time area: null", vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &where));
}

void ask_info() {
    auto* page = static_cast<u8*>(take_pages(1));
    const u64 gfn = address(page) >> page_shift;
    struct Case {
        std::string_view name;
        u32 vcpu;
        u64 gfn;
        u32 offset;
    };
    for (const auto& [name, number, frame, offset] :
         {Case{"no RAM", 1, 0x60000, 0}, {"all ones", 1, ~0ull, 0}, {"unaligned", 1, gfn, 4},
          {"odd", 1, gfn, 1}, {"over the end", 1, gfn, 4096 - 32}, {"beyond", 1, gfn, 4096},
          {"vCPU 1", 1, gfn, 64}, {"vCPU 1 again", 1, gfn, 128}}) {
        vcpu_register_vcpu_info wish = {frame, offset, 0};
        tell("vcpu.info", name, vcpu(VCPUOP_register_vcpu_info, number, &wish));
    }
}

void ask_timers() {
    vcpu_set_periodic_timer periodic = {0};
    for (const u64 period : {0ull, 1ull, 999'999ull, 1ull << 63, ~0ull}) {
        periodic.period_ns = period;
        tell("vcpu.periodic timer", words("{}", period),
             vcpu(VCPUOP_set_periodic_timer, 0, &periodic));
    }
    tell("vcpu.periodic timer: stop", vcpu(VCPUOP_stop_periodic_timer, 0, nullptr));
    tell("vcpu.periodic timer: stop vCPU 1's", vcpu(VCPUOP_stop_periodic_timer, 1, nullptr));
    vcpu_set_singleshot_timer once = {1, VCPU_SSHOTTMR_future};
    tell("vcpu.single shot: long ago, future wanted", vcpu(VCPUOP_set_singleshot_timer, 0, &once));
    once = {1ull << 62, 0};
    tell("vcpu.single shot: far away", vcpu(VCPUOP_set_singleshot_timer, 0, &once));
    tell("vcpu.single shot: of vCPU 1", vcpu(VCPUOP_set_singleshot_timer, 1, &once));
    once.flags = 0xfe;
    tell("vcpu.single shot: other flags", vcpu(VCPUOP_set_singleshot_timer, 0, &once));
    tell("vcpu.single shot: stop", vcpu(VCPUOP_stop_singleshot_timer, 0, nullptr));
    tell("vcpu.single shot: stop vCPU 1's", vcpu(VCPUOP_stop_singleshot_timer, 1, nullptr));
    tell("vcpu.set_timer_op: 0", hypercall(__HYPERVISOR_set_timer_op, 0));
    tell("vcpu.set_timer_op: all ones", hypercall(__HYPERVISOR_set_timer_op, ~0ull));
    tell("vcpu.set_timer_op: off", hypercall(__HYPERVISOR_set_timer_op, 0));
}

}  // namespace

void ask_vcpu() {
    ask_ids();
    ask_runstate();
    ask_info();
    ask_timers();
}

}  // namespace oracle

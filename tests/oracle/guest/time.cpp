// Time as Xen shows it (struct vcpu_time_info, shared_info's wall clock): its properties.
#include "ask.hpp"

#include <kit/clock.hpp>
#include <kit/cpu.hpp>

namespace oracle {
namespace {

constexpr u64 second_ns = 1'000'000'000;

bool near(u64 a, u64 b, u64 distance) { return a > b ? a - b < distance : b - a < distance; }

}  // namespace

void ask_time() {
    tell("time.shared page", clock_init().ok());
    auto& time = shared().vcpu_info[0].time;
    tell("time.version: even", (time.version & 1) == 0);
    tell("time.version: not zero", time.version != 0);
    tell("time.multiplier: not zero", time.tsc_to_system_mul != 0);
    tell("time.flags", unsigned{time.flags});
    tell("time.TSC stamp: not ahead", time.tsc_timestamp <= rdtsc());
    const u64 first = now_ns();
    u64 second = now_ns();
    tell("time.grows", second >= first);
    tell("time.less than a day", first < 86400 * second_ns);
    u64 told = 0;
    tell("time.HVMOP_get_time", hypercall(__HYPERVISOR_hvm_op, HVMOP_get_time, address(&told)));
    tell("time.HVMOP_get_time agrees within a second", near(told, now_ns(), second_ns));
    bool monotonic = true;
    for (int i = 0; i < 20'000; i++) {
        const u64 next = now_ns();
        monotonic &= next >= second;
        second = next;
    }
    tell("time.never runs back", monotonic);
    tell("time.wall clock: after 2020", wall_seconds() > 1'577'836'800);
    tell("time.wall clock: version even", (shared().wc_version & 1) == 0);
    tell("time.wall clock: nanoseconds below a second", shared().wc_nsec < second_ns);
    tell("time.vCPU 1: version", shared().vcpu_info[1].time.version != 0);

    vcpu_runstate_info info = {};
    (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, address(&info));
    u64 sum = 0;
    for (const u64 part : info.time)
        sum += part;
    tell("time.runstates: their sum is this vCPU's age", sum <= now_ns() && sum > 0);
    tell("time.runstates: entered", info.state_entry_time <= now_ns());
}

}  // namespace oracle

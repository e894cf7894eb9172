// meter: what a guest's own instructions cost it, counted by its TSC: one tick is one instruction
// under `-icount shift=0`, and in Bochs.
#include <algorithm>
#include <array>
#include <kit/cpu.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <xen/sched.h>
#include <xen/version.h>

using namespace kit;

namespace {

constexpr size_t samples = 1000;
constinit std::array<u32, samples> ticks{};

u64 read_tsc() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return u64{high} << 32 | low;
}

/// Times `operation` alone, many times over; prints median and 99th percentile less `floor`.
template <class Operation>
u32 measure(const char* name, u32 floor, Operation operation) {
    for (u32& sample : ticks) {
        const u64 before = read_tsc();
        operation();
        sample = static_cast<u32>(read_tsc() - before) - floor;
    }
    std::sort(ticks.begin(), ticks.end());
    print("meter: {} {} p99 {}\n", name, ticks[samples / 2], ticks[samples * 99 / 100]);
    return ticks[samples / 2];
}

}  // namespace

/// Prints one line for each operation and powers off.
void guest_main() {
    const u32 floor = measure("nothing", 0, [] {});
    measure("cpuid", floor, [] { (void)cpuid(0); });
    measure("null-hypercall", floor, [] { hypercall(__HYPERVISOR_xen_version, XENVER_version); });
    measure("rdmsr", floor, [] { (void)rdmsr(0x1b); });
    measure("dead-port", floor, [] {
        u8 value;
        asm volatile("inb $0x84, %0" : "=a"(value));
    });
    measure("yield", floor, [] { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0); });
    shut_down(Shutdown::poweroff);
}

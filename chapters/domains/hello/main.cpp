// hello: the smallest guest that says who it is, hears its own clock tick, and waits politely.
#include <kit/apic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <kit/traps.hpp>

using namespace kit;

namespace {

constexpr u8 timer_vector = 0x40;
constexpr u64 second_ns = 1'000'000'000;
constinit volatile u64 ticks = 0;

void on_tick(TrapFrame&) {
    ticks = ticks + 1;
    apic_end_of_interrupt();
}

void wait_for_tick() {
    u64 before = ticks;
    interrupts_off();
    while (ticks == before)
        sleep_until_interrupt();
}

/// Xen's CPUID leaves: the signature, the version, and what it says of us.
void tell_hypervisor() {
    u32 base = xen_cpuid_base();
    CpuidLeaf signature = cpuid(base), version = cpuid(base + 1), features = cpuid(base + 4);
    char letters[12];
    memcpy(letters, &signature.ebx, 4);
    memcpy(letters + 4, &signature.ecx, 4);
    memcpy(letters + 8, &signature.edx, 4);
    print("hello: cpuid {:x} says {}, leaves up to {:x}\n", base, std::string_view{letters, 12},
          signature.eax);
    char extra[XEN_EXTRAVERSION_LEN] = {};
    (void)xen_version(XENVER_extraversion, extra);
    print("hello: Xen version {}.{}{}, features {:x}, vcpu {}, domain {}\n", version.eax >> 16,
          version.eax & 0xffff, static_cast<const char*>(extra), features.eax, features.ebx,
          features.ecx);
}

void tell_start_info() {
    print("hello: command line '{}', {} modules\n", guest().command_line, guest().modules.size());
    for (auto& entry : guest().memory_map)
        print("hello: memory {:016x} to {:016x} type {}\n", entry.addr, entry.addr + entry.size,
              entry.type);
}

u64 number(std::string_view digits, u64 otherwise) {
    u64 value = 0;
    if (digits.empty()) return otherwise;
    for (char digit : digits) {
        if (digit < '0' || digit > '9') return otherwise;
        value = value * 10 + u64(digit - '0');
    }
    return value;
}

/// Ten ticks of 10 ms from the local APIC, measured by Xen's clock.
void take_interrupts() {
    apic_timer_periodic(timer_vector, second_ns / 100);
    u64 start = now_ns();
    for (int i = 0; i < 10; i++)
        wait_for_tick();
    u64 took = now_ns() - start;
    apic_timer_periodic(timer_vector, 0);
    print("hello: 10 timer interrupts from the {} in {} us\n",
          apic_is_x2apic() ? "x2APIC" : "xAPIC", took / 1000);
}

}  // namespace

/// Options: `seconds=N` (after so many it ends; default: never), `end=poweroff|reboot|crash`.
void guest_main() {
    print("hello: I am awake\n");
    tell_hypervisor();
    tell_start_info();
    if (auto ready = clock_init(); !ready) {
        print("hello: no shared page: {}\n", describe(ready.error().code));
        shut_down(Shutdown::crash);
    }
    on_trap(timer_vector, on_tick);
    apic_init();
    take_interrupts();

    u64 seconds = number(guest().option("seconds"), ~0ull);
    for (u64 second = 1; second <= seconds; second++) {
        apic_timer_once(timer_vector, second_ns);
        wait_for_tick();
        print("hello: second {}, my clock says {} ms\n", second, now_ns() / 1'000'000);
    }
    auto end = guest().option("end");
    print("hello: good night\n");
    shut_down(end == "reboot"  ? Shutdown::reboot
              : end == "crash" ? Shutdown::crash
                               : Shutdown::poweroff);
}

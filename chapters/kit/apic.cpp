// The local APIC (Intel SDM, "Advanced Programmable Interrupt Controller"): one set of registers,
// reached through memory (xAPIC) or through MSRs (x2APIC).
#include "apic.hpp"

#include "cpu.hpp"

namespace kit {
namespace {

enum Register : u32 {
    id = 0x20,
    end_of_interrupt = 0xb0,
    spurious_vector = 0xf0,
    timer_lvt = 0x320,
    timer_initial_count = 0x380,
    timer_divide = 0x3e0,
};

constexpr u32 apic_base_msr = 0x1b;
constexpr u64 base_enable = 1 << 11;
constexpr u64 base_x2apic = 1 << 10;
constexpr u64 registers = 0xfee00000;
constexpr u32 divide_by_one = 0xb;
constexpr u32 lvt_periodic = 1 << 17;

constinit bool x2apic = false;

u32 read(Register which) {
    if (x2apic) return u32(rdmsr(0x800 + which / 16));
    return *reinterpret_cast<volatile u32*>(registers + which);
}

void write(Register which, u32 value) {
    if (x2apic) return wrmsr(0x800 + which / 16, value);
    *reinterpret_cast<volatile u32*>(registers + which) = value;
}

void start_timer(u32 lvt, u64 nanoseconds) {
    write(timer_divide, divide_by_one);
    write(timer_lvt, lvt);
    u64 ticks = nanoseconds / apic_tick_ns;
    write(timer_initial_count, ticks > 0xffffffff ? 0xffffffff : u32(ticks));
}

}  // namespace

void apic_init() {
    constexpr u32 cpuid_x2apic = 1 << 21;
    constexpr u32 software_enable = 0x100, spurious = 0xff;
    x2apic = (cpuid(1).ecx & cpuid_x2apic) != 0;
    u64 base = rdmsr(apic_base_msr) | base_enable;
    wrmsr(apic_base_msr, base);
    if (x2apic) wrmsr(apic_base_msr, base | base_x2apic);
    write(spurious_vector, software_enable | spurious);
}

void apic_end_of_interrupt() { write(end_of_interrupt, 0); }
void apic_timer_once(u8 vector, u64 nanoseconds) { start_timer(vector, nanoseconds); }
void apic_timer_periodic(u8 vector, u64 nanoseconds) {
    start_timer(lvt_periodic | vector, nanoseconds);
}
bool apic_is_x2apic() { return x2apic; }
u32 apic_id() { return x2apic ? read(id) : read(id) >> 24; }

}  // namespace kit

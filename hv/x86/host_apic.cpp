// The machine's own local APICs: xAPIC by memory, x2APIC by MSRs, whichever firmware left on.
#include <x86/host_apic.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv::x86 {

constexpr u32 lvt_masked = 1 << 16, lvt_nmi = 4 << 8;
constexpr u32 lvt_periodic = 1 << 17, lvt_tsc_deadline = 2 << 17;
constexpr u32 svr_enabled = 1 << 8, icr_pending = 1 << 12;
constexpr u32 divide_by_one = 0xb;

void HostApic::find(u64 window) {
    x2apic_ = read_msr(IA32_APIC_BASE) & APIC_BASE_EXTD;
    registers_ = reinterpret_cast<volatile u32*>(window);
}

void HostApic::turn_on(u8 spurious_vector) {
    const u64 base = read_msr(IA32_APIC_BASE) | APIC_BASE_EN;
    write_msr(IA32_APIC_BASE, base);
    if (x2apic_)
        write_msr(IA32_APIC_BASE, base | APIC_BASE_EXTD);

    write(APIC_TPR, 0);
    write(APIC_LVT_TIMER, lvt_masked);
    write(APIC_LVT_LINT0, lvt_masked);
    write(APIC_LVT_LINT1, lvt_nmi);
    write(APIC_LVT_ERROR, lvt_masked);
    write(APIC_TIMER_DIVIDE, divide_by_one);
    write(APIC_SVR, svr_enabled | spurious_vector);
}

u32 HostApic::id() const { return x2apic_ ? read(APIC_ID) : read(APIC_ID) >> 24; }

void HostApic::set_timer(u8 vector, bool by_tsc_deadline) {
    write(APIC_LVT_TIMER, vector | (by_tsc_deadline ? lvt_tsc_deadline : lvt_periodic));
    // "TSC-Deadline Mode": the write above must be seen before the first write of the MSR
    asm volatile("mfence" ::: "memory");
}

u32 HostApic::read(ApicRegister which) const {
    if (x2apic_)
        return static_cast<u32>(read_msr(IA32_X2APIC_FIRST + which / 16));
    return registers_[which / 4];
}

void HostApic::write(ApicRegister which, u32 value) {
    if (x2apic_)
        write_msr(IA32_X2APIC_FIRST + which / 16, value);
    else
        registers_[which / 4] = value;
}

void HostApic::command(u32 apic_id, u32 what) {
    // x2APIC's write does not wait for earlier stores: what the other pCPU is to see must be out
    asm volatile("mfence" ::: "memory");
    if (x2apic_)
        return write_msr(IA32_X2APIC_FIRST + APIC_ICR / 16, static_cast<u64>(apic_id) << 32 | what);
    while (read(APIC_ICR) & icr_pending)
        pause();
    write(APIC_ICR_HIGH, apic_id << 24);
    write(APIC_ICR, what);
}

}  // namespace hv::x86

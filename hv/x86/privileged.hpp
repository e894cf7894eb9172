// Instructions that C++ has no words for, most of them privileged, one function each. The hosted
// twin has those that hosted code calls, and no processor behind them.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// The four registers that CPUID fills.
struct CpuidLeaf {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// Where in `Cpu` (at GS on a pCPU) an engine keeps the pointer to what turn_on made for that pCPU.
inline constexpr size_t engine_area_slot = 16;

#if HV_HOSTED

inline CpuidLeaf cpuid(u32, u32 = 0) { return {}; }
inline u64 read_msr(u32) { return 0; }
inline u64 read_xcr0() { return 0; }
inline void write_xcr0(u64) {}
inline u64 read_tsc() { return 0; }
inline u32 in(u16, u8) { return ~0u; }
inline void out(u16, u8, u32) {}
inline void enable_interrupts() {}
inline void disable_interrupts() {}
inline bool interrupts_enabled() { return false; }
inline void sleep_until_interrupt() {}
inline void open_interrupt_window() {}
inline void pause() {}

/// value * by / over, the product in 128 bits. The quotient must fit in 64, and `over` not be 0.
inline u64 multiply_divide(u64 value, u64 by, u64 over) {
    return static_cast<u64>(static_cast<unsigned __int128>(value) * by / over);
}

#else

inline CpuidLeaf cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidLeaf out;
    asm volatile("cpuid" : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                 : "a"(leaf), "c"(subleaf));
    return out;
}

inline u64 multiply_divide(u64 value, u64 by, u64 over) {
    u64 low, high;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(value), "r"(by) : "cc");
    asm("divq %2" : "+a"(low), "+d"(high) : "r"(over) : "cc");
    return low;
}

inline u64 read_cr0() { u64 value; asm volatile("mov %%cr0, %0" : "=r"(value)); return value; }
inline u64 read_cr2() { u64 value; asm volatile("mov %%cr2, %0" : "=r"(value)); return value; }
inline u64 read_cr3() { u64 value; asm volatile("mov %%cr3, %0" : "=r"(value)); return value; }
inline u64 read_cr4() { u64 value; asm volatile("mov %%cr4, %0" : "=r"(value)); return value; }
inline void write_cr0(u64 value) { asm volatile("mov %0, %%cr0" ::"r"(value) : "memory"); }
inline void write_cr2(u64 value) { asm volatile("mov %0, %%cr2" ::"r"(value) : "memory"); }
inline void write_cr3(u64 value) { asm volatile("mov %0, %%cr3" ::"r"(value) : "memory"); }
inline void write_cr4(u64 value) { asm volatile("mov %0, %%cr4" ::"r"(value) : "memory"); }

/// The four breakpoint addresses, which no engine switches: they move by hand as a vCPU comes or
/// goes. The host itself sets no breakpoint.
inline void read_debug_addresses(u64 (&addresses)[4]) {
    asm volatile("mov %%dr0, %0" : "=r"(addresses[0]));
    asm volatile("mov %%dr1, %0" : "=r"(addresses[1]));
    asm volatile("mov %%dr2, %0" : "=r"(addresses[2]));
    asm volatile("mov %%dr3, %0" : "=r"(addresses[3]));
}
inline void write_debug_addresses(const u64 (&addresses)[4]) {
    asm volatile("mov %0, %%dr0" ::"r"(addresses[0]));
    asm volatile("mov %0, %%dr1" ::"r"(addresses[1]));
    asm volatile("mov %0, %%dr2" ::"r"(addresses[2]));
    asm volatile("mov %0, %%dr3" ::"r"(addresses[3]));
}
inline u64 read_dr6() { u64 value; asm volatile("mov %%dr6, %0" : "=r"(value)); return value; }
inline void write_dr6(u64 value) { asm volatile("mov %0, %%dr6" ::"r"(value)); }

/// RDMSR and WRMSR of an MSR that this processor is known to have: an unknown one is a panic.
inline u64 read_msr(u32 msr) {
    u64 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return high << 32 | low;
}
inline void write_msr(u32 msr, u64 value) {
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<u32>(value)),
                 "d"(static_cast<u32>(value >> 32)) : "memory");
}

/// XGETBV and XSETBV of XCR0; only where CR4.OSXSAVE is set.
inline u64 read_xcr0() {
    u64 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return high << 32 | low;
}
inline void write_xcr0(u64 value) {
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(value)),
                 "d"(static_cast<u32>(value >> 32)) : "memory");
}

inline u64 read_tsc() {
    u64 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return high << 32 | low;
}

inline u64 read_rflags() { u64 value; asm volatile("pushfq; pop %0" : "=r"(value)); return value; }
inline void enable_interrupts() { asm volatile("sti" ::: "memory"); }
inline void disable_interrupts() { asm volatile("cli" ::: "memory"); }
inline bool interrupts_enabled() { return read_rflags() & (1 << 9); }
/// Lets interrupts in and sleeps until one comes; with them off again afterwards. Called with them
/// off: STI's shadow closes the gap in which a wake-up could be lost.
inline void sleep_until_interrupt() { asm volatile("sti; hlt; cli" ::: "memory"); }
/// Takes what interrupts are pending. Called with them off, returns with them off.
inline void open_interrupt_window() { asm volatile("sti; nop; cli" ::: "memory"); }
[[noreturn]] inline void halt_forever() {
    for (;;)
        asm volatile("cli; hlt");
}

inline void pause() { __builtin_ia32_pause(); }

/// What LGDT, LIDT, SGDT and SIDT move.
struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};
inline void load_gdt(const TablePointer& gdt) { asm volatile("lgdt %0" ::"m"(gdt)); }
inline void load_idt(const TablePointer& idt) { asm volatile("lidt %0" ::"m"(idt)); }
inline TablePointer read_gdt() { TablePointer at; asm volatile("sgdt %0" : "=m"(at)); return at; }
inline TablePointer read_idt() { TablePointer at; asm volatile("sidt %0" : "=m"(at)); return at; }
/// After this the next interrupt or exception is a triple fault.
inline void load_empty_interrupt_table() { load_idt({0, 0}); }

/// IN and OUT of `size` bytes: 1, 2 or 4.
inline u32 in(u16 port, u8 size) {
    u32 value = 0;
    if (size == 1) asm volatile("in %1, %b0" : "+a"(value) : "Nd"(port));
    if (size == 2) asm volatile("in %1, %w0" : "+a"(value) : "Nd"(port));
    if (size == 4) asm volatile("in %1, %0" : "+a"(value) : "Nd"(port));
    return value;
}
inline void out(u16 port, u8 size, u32 value) {
    if (size == 1) asm volatile("out %b0, %1" ::"a"(value), "Nd"(port));
    if (size == 2) asm volatile("out %w0, %1" ::"a"(value), "Nd"(port));
    if (size == 4) asm volatile("out %0, %1" ::"a"(value), "Nd"(port));
}

/// What turn_on of an engine made for the pCPU that asks; GS leads to the Cpu, and the slot to it.
template <class Area>
Area& engine_area() {
    Area* area;
    asm volatile("mov %%gs:%c1, %0" : "=r"(area) : "i"(engine_area_slot));
    return *area;
}
inline void set_engine_area(void* area) {
    asm volatile("mov %0, %%gs:%c1" ::"r"(area), "i"(engine_area_slot) : "memory");
}

#endif

inline u8 in8(u16 port) { return static_cast<u8>(in(port, 1)); }
inline void out8(u16 port, u8 value) { out(port, 1, value); }

/// CPUID, or zeros where the processor has no such leaf (basic or extended).
inline CpuidLeaf cpuid_if_present(u32 leaf, u32 subleaf = 0) {
    return cpuid(leaf & 0x80000000).eax >= leaf ? cpuid(leaf, subleaf) : CpuidLeaf{};
}

/// Interrupts off for the length of a block; afterwards as they were.
class [[nodiscard]] InterruptsOff {
public:
    InterruptsOff() : were_on_{interrupts_enabled()} { disable_interrupts(); }
    ~InterruptsOff() {
        if (were_on_)
            enable_interrupts();
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

private:
    bool were_on_;
};

}  // namespace hv::x86

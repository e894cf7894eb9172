// Privileged instructions, one function each. The hosted twin has those that hosted code calls, and
// no effect.
#pragma once

#include <base/types.hpp>

#if HV_HOSTED
#include <x86/hosted/privileged.hpp>
#else

namespace hv::x86 {

inline u64 read_cr0() { u64 value; asm volatile("mov %%cr0, %0" : "=r"(value)); return value; }
inline u64 read_cr2() { u64 value; asm volatile("mov %%cr2, %0" : "=r"(value)); return value; }
inline u64 read_cr3() { u64 value; asm volatile("mov %%cr3, %0" : "=r"(value)); return value; }
inline u64 read_cr4() { u64 value; asm volatile("mov %%cr4, %0" : "=r"(value)); return value; }
inline void write_cr0(u64 value) { asm volatile("mov %0, %%cr0" ::"r"(value) : "memory"); }
inline void write_cr2(u64 value) { asm volatile("mov %0, %%cr2" ::"r"(value) : "memory"); }
inline void write_cr3(u64 value) { asm volatile("mov %0, %%cr3" ::"r"(value) : "memory"); }
inline void write_cr4(u64 value) { asm volatile("mov %0, %%cr4" ::"r"(value) : "memory"); }

inline u64 read_dr6() { u64 value; asm volatile("mov %%dr6, %0" : "=r"(value)); return value; }
inline void write_dr6(u64 value) { asm volatile("mov %0, %%dr6" ::"r"(value)); }

/// RDMSR and WRMSR of an MSR that this processor is known to have: an unknown one is a panic.
inline u64 read_msr(u32 msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return static_cast<u64>(high) << 32 | low;
}
inline void write_msr(u32 msr, u64 value) {
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<u32>(value)),
                 "d"(static_cast<u32>(value >> 32)) : "memory");
}

/// XGETBV and XSETBV of XCR0; only where CR4.OSXSAVE is set.
inline u64 read_xcr0() {
    u32 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<u64>(high) << 32 | low;
}
inline void write_xcr0(u64 value) {
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(value)),
                 "d"(static_cast<u32>(value >> 32)) : "memory");
}

inline u64 read_tsc() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return static_cast<u64>(high) << 32 | low;
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

}  // namespace hv::x86

#endif

namespace hv::x86 {

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

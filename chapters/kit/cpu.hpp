// The privileged instructions that a guest kernel needs, one function each.
#pragma once

#include "types.hpp"

namespace kit {

struct CpuidLeaf {
    u32 eax, ebx, ecx, edx;
};

inline CpuidLeaf cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidLeaf out;
    asm volatile("cpuid"
                 : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                 : "a"(leaf), "c"(subleaf));
    return out;
}

inline u64 rdmsr(u32 msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return u64{high} << 32 | low;
}

inline void wrmsr(u32 msr, u64 value) {
    asm volatile("wrmsr" : : "c"(msr), "a"(u32(value)), "d"(u32(value >> 32)) : "memory");
}

inline u64 rdtsc() {
    u32 low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return u64{high} << 32 | low;
}

/// IN and OUT of one, two or four bytes, as the type says.
template <class T>
T in(u16 port) {
    T value;
    asm volatile("in %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
template <class T>
void out(u16 port, T value) {
    asm volatile("out %0, %1" : : "a"(value), "Nd"(port));
}
inline u8 in8(u16 port) { return in<u8>(port); }
inline u16 in16(u16 port) { return in<u16>(port); }
inline u32 in32(u16 port) { return in<u32>(port); }
inline void out8(u16 port, u8 value) { out(port, value); }
inline void out16(u16 port, u16 value) { out(port, value); }
inline void out32(u16 port, u32 value) { out(port, value); }

inline void interrupts_off() { asm volatile("cli" : : : "memory"); }
inline void interrupts_on() { asm volatile("sti" : : : "memory"); }
inline void pause() { asm volatile("pause" : : : "memory"); }

/// Sleeps until the next interrupt. Called with interrupts off, so that one which came between the
/// caller's last look and here still ends the sleep: STI holds interrupts back for one instruction.
inline void sleep_until_interrupt() { asm volatile("sti; hlt; cli" : : : "memory"); }

/// Stops this vCPU for good.
[[noreturn]] inline void halt_forever() {
    for (;;)
        asm volatile("cli; hlt");
}

}  // namespace kit

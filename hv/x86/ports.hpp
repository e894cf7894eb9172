// I/O ports: IN and OUT. In the hosted twin no device answers: reads give ones.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

#if HV_HOSTED
inline u8 in8(u16) { return 0xff; }
inline u16 in16(u16) { return 0xffff; }
inline u32 in32(u16) { return 0xffffffff; }
inline void out8(u16, u8) {}
inline void out16(u16, u16) {}
inline void out32(u16, u32) {}
#else
inline u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u16 in16(u16 port) {
    u16 value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u32 in32(u16 port) {
    u32 value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) { asm volatile("outb %1, %0" ::"Nd"(port), "a"(value)); }
inline void out16(u16 port, u16 value) { asm volatile("outw %1, %0" ::"Nd"(port), "a"(value)); }
inline void out32(u16 port, u32 value) { asm volatile("outl %1, %0" ::"Nd"(port), "a"(value)); }
#endif

}  // namespace hv::x86

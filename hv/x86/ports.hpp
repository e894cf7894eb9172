// I/O ports: IN and OUT. Bare metal only.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// One, two or four bytes, as the type says.
template <class T>
T in(u16 port) {
    T value;
    asm volatile("in %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
template <class T>
void out(u16 port, T value) {
    asm volatile("out %0, %1" ::"a"(value), "Nd"(port));
}

inline u8 in8(u16 port) { return in<u8>(port); }
inline u16 in16(u16 port) { return in<u16>(port); }
inline u32 in32(u16 port) { return in<u32>(port); }
inline void out8(u16 port, u8 value) { out(port, value); }
inline void out16(u16 port, u16 value) { out(port, value); }

}  // namespace hv::x86

// Arithmetic wider than a register: a product of 128 bits, divided.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// value * by / over, the product in 128 bits. The quotient must fit in 64, and `over` not be 0.
inline u64 multiply_divide(u64 value, u64 by, u64 over) {
#if HV_HOSTED
    return static_cast<u64>(static_cast<unsigned __int128>(value) * by / over);
#else
    u64 low, high;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(value), "r"(by) : "cc");
    asm("divq %2" : "+a"(low), "+d"(high) : "r"(over) : "cc");
    return low;
#endif
}

}  // namespace hv::x86

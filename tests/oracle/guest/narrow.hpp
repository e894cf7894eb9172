// How the oracle's guest, which is 64-bit, runs 32-bit code: with paging, without, in real mode.
#pragma once

#include "ask.hpp"

namespace oracle {

/// An address as 32-bit code has it; all of the guest's memory lies below 4 GiB.
inline u32 low(const void* at) { return u32(reinterpret_cast<u64>(at)); }

/// How the 32-bit code runs: with paging, without, or in real mode.
enum class Narrow : u8 { paged, unpaged, real };

/// Sets how the 32-bit code runs from now on.
void set_narrow(Narrow mode);

/// "narrow", "unpaged" or "real_mode": where the questions that follow are put from.
std::string_view narrow_mode();

/// A hypercall from 32-bit code.
long narrow(u32 number, u32 a = 0, u32 b = 0, u32 c = 0, u32 d = 0, u32 e = 0);

/// Writes the low half of a model-specific register from 32-bit code; the high half becomes 0.
void narrow_wrmsr(u32 msr, u32 value);

/// Tells an answer of the question whose name begins with narrow_mode().
inline void tell_narrow(std::string_view question, Told answer) {
    tell(words("{}.{}", narrow_mode(), question).view(), answer);
}

}  // namespace oracle

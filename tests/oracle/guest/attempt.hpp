// Instructions that may fault: each says what came of it, and the guest goes on.
#pragma once

#include <kit/traps.hpp>
#include <kit/types.hpp>

namespace oracle {

using namespace kit;

/// What an instruction raised, and the value that it gave.
struct Attempt {
    static constexpr u64 nothing = ~0ull;
    u64 vector = nothing;
    u64 error = 0;
    u64 value = 0;
    bool fine() const { return vector == nothing; }
};

/// Catches the exceptions that the attempts may raise. Called once.
void attempts_init();

Attempt try_rdmsr(u32 msr);
Attempt try_wrmsr(u32 msr, u64 value);
Attempt try_in(u16 port, unsigned bytes);
Attempt try_out(u16 port, unsigned bytes, u32 value);
Attempt try_read(u64 address, unsigned bytes);
Attempt try_write(u64 address, unsigned bytes, u64 value);
Attempt try_xsetbv(u32 which, u64 value);
Attempt try_cr(unsigned number, u64 value);

/// Calls entry `number` of the hypercall page; an invalid opcode there is an answer too.
Attempt try_hypercall(u32 number);

/// "fine", or the exception by its name.
std::string_view name_of(const Attempt& attempt);

}  // namespace oracle

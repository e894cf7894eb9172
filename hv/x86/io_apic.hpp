// The I/O APIC: which of its inputs raises which vector, on which pCPU.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// The machine's first I/O APIC: "I/O Advanced Programmable Interrupt Controller" datasheet.
class IoApic {
public:
    /// `window` is where its page is mapped.
    explicit IoApic(u64 window) : registers_{reinterpret_cast<volatile u32*>(window)} {}

    u8 inputs() { return static_cast<u8>((read(1) >> 16 & 0xff) + 1); }
    /// Edge-triggered, active high, to one pCPU.
    void route(u8 input, u8 vector, u32 apic_id) {
        write(redirection + 2u * input + 1, apic_id << 24);
        write(redirection + 2u * input, vector);
    }
    void mask(u8 input) { write(redirection + 2u * input, masked); }

private:
    static constexpr u32 redirection = 0x10, masked = 1 << 16;

    // Two registers show all others: which one, and its value
    u32 read(u32 which) {
        registers_[0] = which;
        return registers_[4];
    }
    void write(u32 which, u32 value) {
        registers_[0] = which;
        registers_[4] = value;
    }

    volatile u32* registers_;
};

}  // namespace hv::x86

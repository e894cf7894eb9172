// Events for a guest in VMX's spelling, and what comes of one whose delivery an exit cut short.
#pragma once

#include <vmx/exit_reasons.hpp>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::vmx {

/// The entry interruption information of an event. `real_mode`: exceptions push no error code.
constexpr u32 spell(const x86::Injection& event, bool real_mode) {
    using Kind = x86::Injection::Kind;
    switch (event.kind) {
    case Kind::interrupt: return INTERRUPTION_VALID | INTERRUPTION_EXTERNAL | event.vector;
    case Kind::nmi: return INTERRUPTION_VALID | INTERRUPTION_NMI | x86::EXCEPTION_NMI;
    case Kind::exception: break;
    }
    const u32 error_code = event.has_error_code && !real_mode ? INTERRUPTION_ERROR_CODE : 0u;
    return INTERRUPTION_VALID | INTERRUPTION_HARDWARE_EXCEPTION | error_code | event.vector;
}

/// IDT-vectoring information, as entry interruption information: the same event once more.
/// Intel SDM, "Information for VM Exits During Event Delivery"; bits 30:12 must be zero on entry.
constexpr u32 again(u32 idt_vectoring) {
    return idt_vectoring & (INTERRUPTION_VALID | INTERRUPTION_ERROR_CODE | INTERRUPTION_TYPE |
                            INTERRUPTION_VECTOR);
}

/// Software interrupts, INT3, INTO and INT1: entry needs the length of the instruction.
constexpr bool is_software_event(u32 information) {
    return (information & INTERRUPTION_TYPE) >= INTERRUPTION_SOFTWARE_INTERRUPT;
}

}  // namespace hv::vmx

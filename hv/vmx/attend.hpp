// What the engine settles by itself after an exit, before anyone else looks at it.
#pragma once

#include <x86/engine.hpp>

namespace hv::vmx {

/// The kinds of exit that attend() must see.
constexpr bool needs_attention(x86::Exit::Kind kind) {
    using Kind = x86::Exit::Kind;
    constexpr u32 kinds = 1u << static_cast<u32>(Kind::nmi) |
                          1u << static_cast<u32>(Kind::control_register) |
                          1u << static_cast<u32>(Kind::nested_fault) |
                          1u << static_cast<u32>(Kind::exception) |
                          1u << static_cast<u32>(Kind::resolved);
    return kinds >> static_cast<u32>(kind) & 1;
}

/// Settles what is the engine's own affair; the exit becomes `resolved` when nothing else is to do.
void attend(x86::VirtualCpu& vcpu, x86::Exit& exit);

/// Queues the event that was being delivered when the guest exited, for the next entry.
/// `idt_vectoring` is the VMCS field of that name.
void deliver_again(x86::VirtualCpu& vcpu, u32 idt_vectoring);

}  // namespace hv::vmx

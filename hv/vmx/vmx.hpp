// The VMX engine, as the run loop sees it.
#pragma once

#include <x86/engine.hpp>

namespace hv::vmx {

extern const x86::EngineOperations operations;

/// Intel's VMX with EPT and unrestricted guests: satisfies the concept x86::Engine, which says what
/// each member is for.
struct Engine {
    static void arrive(x86::VirtualCpu& vcpu, u16 cpu);
    static void depart(x86::VirtualCpu& vcpu);
    /// Takes what host interrupts are pending after each exit, before it returns.
    static void enter(x86::VirtualCpu& vcpu, x86::Exit& exit);
    static void skip(x86::VirtualCpu& vcpu, const x86::Exit& exit);
    static bool interruptible(x86::VirtualCpu& vcpu);
    static void inject(x86::VirtualCpu& vcpu, u32 event);
    static bool watch_window(x86::VirtualCpu& vcpu, bool watch);
    static bool offer(x86::VirtualCpu& vcpu, bool raised);
    static bool interrupts_enabled(x86::VirtualCpu& vcpu);
    static constexpr const x86::EngineOperations& operations = vmx::operations;
};

static_assert(x86::Engine<Engine>);

}  // namespace hv::vmx

// The SVM engine, as the run loop sees it.
#pragma once

#include <svm/vmcb.hpp>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

extern const x86::EngineOperations operations;

inline Vmcb& vmcb_of(x86::VirtualCpu& vcpu) { return *static_cast<Vmcb*>(vcpu.control); }

/// AMD's engine; the contracts are those of x86::Engine.
struct Engine {
    static constexpr const x86::EngineOperations& operations = svm::operations;

    static void arrive(x86::VirtualCpu& vcpu, u16 cpu);
    static void depart(x86::VirtualCpu& vcpu);
    static void enter(x86::VirtualCpu& vcpu, x86::Exit& exit);

    static void skip(x86::VirtualCpu& vcpu, const x86::Exit& exit) {
        Vmcb& vmcb = vmcb_of(vcpu);
        vmcb.save.rip += exit.length;
        vmcb.control.interrupt_shadow = 0;
    }

    static bool interrupts_enabled(x86::VirtualCpu& vcpu) {
        return vmcb_of(vcpu).save.rflags & x86::RFLAGS_IF;
    }

    static bool interruptible(x86::VirtualCpu& vcpu) {
        const ControlArea& control = vmcb_of(vcpu).control;
        return interrupts_enabled(vcpu) && !(control.interrupt_shadow & INTERRUPT_SHADOW) &&
               !(control.eventinj & x86::EVENT_VALID);
    }

    static void inject(x86::VirtualCpu& vcpu, u32 event);

    /// A virtual interrupt that is never delivered: the moment it could be is an exit. In a shadow
    /// QEMU would exit at once, and for ever: there the next exit, most likely a HLT, must do.
    static bool watch_window(x86::VirtualCpu& vcpu, bool on) {
        ControlArea& control = vmcb_of(vcpu).control;
        const bool watched = on && !(control.interrupt_shadow & INTERRUPT_SHADOW);
        control.v_irq = watched ? V_IRQ : 0;
        return watched == on;
    }

    /// Nothing to offer: no CPU that we know delivers interrupts here by itself.
    static bool offer(x86::VirtualCpu&, bool) { return false; }
};
static_assert(x86::Engine<Engine>);

}  // namespace hv::svm

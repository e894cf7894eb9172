// What the engine settles by itself: host NMIs, shadows of CR0 and CR4, exceptions to hand back.
#include <vmx/area.hpp>
#include <vmx/attend.hpp>
#include <vmx/events.hpp>
#include <vmx/instructions.hpp>
#include <vmx/masks.hpp>
#include <vmx/vmx.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

namespace {

using x86::Exit;
using x86::Injection;
using x86::VirtualCpu;

/// A MOV to CR0 or CR4 exits only when a host-owned bit differs from what the guest last wrote.
/// Once the shadow agrees the CPU executes the same instruction itself, with all its consequences.
bool settle_control_register(const VirtualCpu& vcpu, const Exit::Control& control) {
    const u64 value = control.gpr == 4 ? vmread(Field::GUEST_RSP) : vcpu.gpr[control.gpr];
    if (control.number == 0 && value >> 32 == 0) {
        vmwrite(Field::CR0_READ_SHADOW, value & cr0_host_owned);
        return true;
    }
    if (control.number == 4 && (value & cr4_forbidden) == 0) {
        vmwrite(Field::CR4_READ_SHADOW, value & cr4_host_owned);
        return true;
    }
    return false;
}

/// #DB carries its cause in the qualification, where DR6 does not have it yet.
void settle_debug_exception(const Exit& exit) {
    constexpr u64 causes = 0xe00f, general_detect = 1u << 13;
    x86::write_dr6((x86::read_dr6() & ~0xfull) | (exit.qualification & causes));
    if (exit.qualification & general_detect)
        vmwrite(Field::GUEST_DR7, vmread(Field::GUEST_DR7) & ~general_detect);
}

/// Hands an intercepted exception back to the guest; the machine's own goes to the host's handler.
void settle_exception(VirtualCpu& vcpu, const Exit& exit) {
    if (exit.vector == x86::EXCEPTION_MC) {
        asm volatile("int $18" ::: "memory");
        return;
    }
    if (exit.vector == x86::EXCEPTION_DB)
        settle_debug_exception(exit);
    Engine::inject(vcpu, {.kind = Injection::Kind::exception,
                          .vector = exit.vector,
                          .has_error_code = exit.vector == x86::EXCEPTION_AC});
}

void watch_nmi_window(VirtualCpu& vcpu, bool watch) {
    Companion& own = companion(vcpu);
    own.primary = watch ? own.primary | PRIMARY_NMI_WINDOW : own.primary & ~PRIMARY_NMI_WINDOW;
    vmwrite(Field::PRIMARY_CONTROLS, own.primary);
}

/// Exits that nobody outside has asked for.
void settle_own(VirtualCpu& vcpu, const Exit& exit) {
    if (exit.raw == EXIT_NMI_WINDOW) {
        watch_nmi_window(vcpu, false);
        if (vcpu.engine_bits & bit_nmi_waiting)
            Engine::inject(vcpu, {.kind = Injection::Kind::nmi, .vector = x86::EXCEPTION_NMI});
    } else {
        // RDPMC: a guest without performance counters has none to name
        Engine::inject(vcpu, {.kind = Injection::Kind::exception,
                              .vector = x86::EXCEPTION_GP,
                              .has_error_code = true});
    }
}

/// True when an NMI cannot be handed over at the next entry.
bool nmi_must_wait(const VirtualCpu& vcpu) {
    constexpr u64 blocking = BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI;
    return vcpu.engine_bits & bit_queued || vmread(Field::GUEST_INTERRUPTIBILITY_STATE) & blocking;
}

/// Writes an event where the next entry finds it.
void queue(VirtualCpu& vcpu, u32 information, u32 error_code) {
    vmwrite(Field::VM_ENTRY_INTERRUPTION_INFORMATION, information);
    if (information & INTERRUPTION_ERROR_CODE)
        vmwrite(Field::VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
    vcpu.engine_bits |= bit_queued;
}

}  // namespace

void attend(VirtualCpu& vcpu, Exit& exit) {
    using Kind = Exit::Kind;
    switch (exit.kind) {
    case Kind::nmi:
        // The host's handler runs, and its IRET lets later NMIs arrive
        asm volatile("int $2" ::: "memory");
        return;
    case Kind::nested_fault:
        // An IRET had unblocked NMIs before it faulted, and will be executed once more
        if (exit.qualification & EPT_VIOLATION_NMI_UNBLOCKED)
            vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE,
                    vmread(Field::GUEST_INTERRUPTIBILITY_STATE) | BLOCKING_BY_NMI);
        return;
    case Kind::control_register:
        if (settle_control_register(vcpu, exit.control))
            exit.kind = Kind::resolved;
        return;
    case Kind::exception:
        settle_exception(vcpu, exit);
        exit.kind = Kind::resolved;
        return;
    default: return settle_own(vcpu, exit);
    }
}

void deliver_again(VirtualCpu& vcpu, u32 idt_vectoring) {
    if (vcpu.engine_bits & bit_queued)
        return;  // an exception has taken its place
    if (is_software_event(idt_vectoring))
        vmwrite(Field::VM_ENTRY_INSTRUCTION_LENGTH, vmread(Field::VM_EXIT_INSTRUCTION_LENGTH));
    if ((idt_vectoring & INTERRUPTION_TYPE) == INTERRUPTION_NMI)
        vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE,
                vmread(Field::GUEST_INTERRUPTIBILITY_STATE) & ~static_cast<u64>(BLOCKING_BY_NMI));
    queue(vcpu, again(idt_vectoring), static_cast<u32>(vmread(Field::IDT_VECTORING_ERROR_CODE)));
}

void Engine::inject(VirtualCpu& vcpu, const Injection& event) {
    if (event.kind == Injection::Kind::nmi) {
        const bool wait = nmi_must_wait(vcpu);
        vcpu.engine_bits &= ~bit_nmi_waiting;
        if (wait) {
            vcpu.engine_bits |= bit_nmi_waiting;
            return watch_nmi_window(vcpu, true);
        }
    }
    const bool real_mode = !(vmread(Field::GUEST_CR0) & x86::CR0_PE);
    queue(vcpu, spell(event, real_mode), 0);
}

}  // namespace hv::vmx

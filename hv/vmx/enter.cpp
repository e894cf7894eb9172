// Into the guest and out of it: what every exit runs through, and what the engine settles itself.
#include <bit>
#include <vmx/area.hpp>
#include <vmx/exits.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>

extern "C" hv::u64 vmx_world_switch(hv::x86::GeneralRegisters* gpr, hv::vmx::Companion* own,
                                    hv::u32 launched);

namespace hv::vmx {

namespace {

using x86::VirtualCpu;

// Before an entry

/// A guest with interrupts off may keep its pCPU for a millisecond: not every processor (nor every
/// emulator) lets an external interrupt end it. The timer's value never changes, its control does.
void arm_timer(Companion& own) {
    const u64 interrupt_flag = vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_IF;
    if (interrupt_flag == own.interrupt_flag) [[likely]]
        return;
    own.interrupt_flag = interrupt_flag;
    own.pin ^= PIN_PREEMPTION_TIMER;
    vmwrite(Field::PIN_BASED_CONTROLS, own.pin);
}

/// Turns one primary control on or off.
void set_primary(Companion& own, u32 control, bool on) {
    if (on == ((own.primary & control) != 0))
        return;
    own.primary ^= control;
    vmwrite(Field::PRIMARY_CONTROLS, own.primary);
}

constexpr u32 in_service = 0x100, request = 0x200;  // Intel SDM, "Virtual APIC State"

/// The highest vector in the 256 bits of the APIC page that begin at `offset`; 0: there is none.
u8 highest_vector(const u8* page, u32 offset) {
    for (u32 word = 8; word-- > 0;) {
        const u32* bits = reinterpret_cast<const u32*>(page + offset + word * 0x10);
        if (const u32 value = __atomic_load_n(bits, __ATOMIC_ACQUIRE))
            return static_cast<u8>(word * 32 + 31 - std::countl_zero(value));
    }
    return 0;
}

/// Guest interrupt status: SVI above RVI.
u64 interrupt_status(const u8* page) {
    return static_cast<u64>(highest_vector(page, in_service)) << 8 | highest_vector(page, request);
}

/// Turns virtual-interrupt delivery on or off in the current VMCS, as the vCPU asks; what waits in
/// its APIC page, and what is in service there, is carried over.
void switch_delivery(VirtualCpu& vcpu) {
    const Area& area = this_area();
    Companion& own = companion(vcpu);
    const bool on = vcpu.interrupts_delivered_by_cpu;
    const Controls controls = on ? area.controls : without_delivery(area.controls);

    set_primary(own, PRIMARY_CR8_LOAD_EXITING, !on);
    vmwrite(Field::SECONDARY_CONTROLS, controls.secondary);
    vmwrite(Field::MSR_BITMAP_ADDRESS, area.bitmap_address(on));
    own.delivering = on;
}

/// What is set in a vCPU once, or seldom.
void take_settings(VirtualCpu& vcpu, const Companion& own) {
    if (vcpu.interrupts_delivered_by_cpu != own.delivering)
        switch_delivery(vcpu);
    if (own.delivering)
        vmwrite(Field::GUEST_INTERRUPT_STATUS, interrupt_status(vcpu.apic_registers));
    vmwrite(Field::EPT_POINTER, x86::ept_pointer(vcpu.nested_root));
    vmwrite(Field::TSC_OFFSET, vcpu.tsc_offset);
}

/// What others changed in the vCPU since the last entry.
void take_changes(VirtualCpu& vcpu, const Companion& own) {
    if (vcpu.changes & x86::change_translations)
        invept(Forget::one, x86::ept_pointer(vcpu.nested_root));
    if (vcpu.changes & x86::change_settings)
        take_settings(vcpu, own);
    vcpu.changes = 0;
}

// After an exit

/// The CPU would not even try: the VMCS's controls are wrong, which is a bug of ours.
void refuse(Exit& exit) {
    exit.kind = Exit::Kind::refused;
    exit.raw = vmread(Field::VM_INSTRUCTION_ERROR);
    exit.qualification = 0;
}

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
    Engine::inject(vcpu, x86::exception_event(exit.vector, exit.vector == x86::EXCEPTION_AC));
}

/// Exits that nobody outside has asked for.
void settle_own(VirtualCpu& vcpu, const Exit& exit) {
    if (exit.raw == EXIT_NMI_WINDOW) {
        set_primary(companion(vcpu), PRIMARY_NMI_WINDOW, false);
        if (vcpu.engine_bits & bit_nmi_waiting)
            Engine::inject(vcpu, x86::nmi_event);
    } else {
        // RDPMC: a guest without performance counters has none to name
        Engine::inject(vcpu, x86::exception_event(x86::EXCEPTION_GP, true));
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
    if (information & x86::EVENT_ERROR_CODE)
        vmwrite(Field::VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
    vcpu.engine_bits |= bit_queued;
}

/// Settles what is the engine's own affair; the exit becomes `resolved` when nothing else is to do.
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
    case Kind::resolved: return settle_own(vcpu, exit);
    default: return;
    }
}

/// Queues the event that was being delivered when the guest exited, for the next entry.
/// `idt_vectoring` is the VMCS field of that name.
void deliver_again(VirtualCpu& vcpu, u32 idt_vectoring) {
    if (vcpu.engine_bits & bit_queued)
        return;  // an exception has taken its place
    if (is_software_event(idt_vectoring))
        vmwrite(Field::VM_ENTRY_INSTRUCTION_LENGTH, vmread(Field::VM_EXIT_INSTRUCTION_LENGTH));
    if ((idt_vectoring & x86::EVENT_TYPE) == x86::EVENT_NMI)
        vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE,
                vmread(Field::GUEST_INTERRUPTIBILITY_STATE) & ~static_cast<u64>(BLOCKING_BY_NMI));
    queue(vcpu, again(idt_vectoring), static_cast<u32>(vmread(Field::IDT_VECTORING_ERROR_CODE)));
}

}  // namespace

void Engine::enter(VirtualCpu& vcpu, Exit& exit) {
    Companion& own = companion(vcpu);
    if (vcpu.changes) [[unlikely]]
        take_changes(vcpu, own);
    arm_timer(own);
    if (vmx_world_switch(&vcpu.gpr, &own, vcpu.engine_bits & bit_launched) != 0) [[unlikely]]
        return refuse(exit);
    if (vcpu.engine_bits != bit_launched)
        vcpu.engine_bits = (vcpu.engine_bits | bit_launched) & ~bit_queued;

    // A function of its own type, so that the compiler reads each field in place
    decode([](Field field) { return vmread(field); }, exit);
    attend(vcpu, exit);
    // An instruction that exits is executed while no event is being delivered
    const u32 cut_short =
        exit.length ? 0 : static_cast<u32>(vmread(Field::IDT_VECTORING_INFORMATION));
    if (cut_short & x86::EVENT_VALID) [[unlikely]]
        deliver_again(vcpu, cut_short);
    x86::open_interrupt_window();
}

void Engine::skip(VirtualCpu&, const Exit& exit) {
    vmwrite(Field::GUEST_RIP, vmread(Field::GUEST_RIP) + exit.length);
    const u64 blocking = vmread(Field::GUEST_INTERRUPTIBILITY_STATE);
    constexpr u64 for_one_instruction = BLOCKING_BY_STI | BLOCKING_BY_MOV_SS;
    if (blocking & for_one_instruction)
        vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE, blocking & ~for_one_instruction);
}

bool Engine::interrupts_enabled(VirtualCpu&) {
    return vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_IF;
}

bool Engine::interruptible(VirtualCpu& vcpu) {
    if (vcpu.engine_bits & bit_queued || !interrupts_enabled(vcpu))
        return false;
    return !(vmread(Field::GUEST_INTERRUPTIBILITY_STATE) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

bool Engine::watch_window(VirtualCpu& vcpu, bool watch) {
    set_primary(companion(vcpu), PRIMARY_INTERRUPT_WINDOW, watch);
    return true;
}

void Engine::inject(VirtualCpu& vcpu, u32 event) {
    if (event == x86::nmi_event) {
        vcpu.engine_bits &= ~bit_nmi_waiting;
        if (nmi_must_wait(vcpu)) {
            vcpu.engine_bits |= bit_nmi_waiting;
            return set_primary(companion(vcpu), PRIMARY_NMI_WINDOW, true);
        }
    }
    // In real mode an exception pushes no error code
    if (event & x86::EVENT_ERROR_CODE && !(vmread(Field::GUEST_CR0) & x86::CR0_PE))
        event &= ~u32{x86::EVENT_ERROR_CODE};
    queue(vcpu, event, 0);
}

bool Engine::offer(VirtualCpu& vcpu, bool raised) {
    u64 status = vmread(Field::GUEST_INTERRUPT_STATUS);
    if (raised) {
        // What is in service, above it, changes with the guest alone, and the CPU knows
        status = (status & ~0xffull) | highest_vector(vcpu.apic_registers, request);
        vmwrite(Field::GUEST_INTERRUPT_STATUS, status);
    }
    return static_cast<u8>(status) != 0;
}

}  // namespace hv::vmx

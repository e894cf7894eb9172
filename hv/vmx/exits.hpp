// From a raw exit to a neutral one: the only place that reads exit reasons and qualifications.
#pragma once

#include <vmx/exit_reasons.hpp>
#include <vmx/fields.hpp>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::vmx {

using x86::Exit;

/// Exit qualification of an I/O instruction. Intel SDM, "Exit Qualification for I/O Instructions".
constexpr Exit::Port decode_port(u64 qualification) {
    return {.number = static_cast<u16>(qualification >> 16),
            .size = static_cast<u8>((qualification & 7) + 1),
            .in = (qualification >> 3 & 1) != 0,
            .string = (qualification >> 4 & 1) != 0,
            .repeated = (qualification >> 5 & 1) != 0};
}

/// Exit qualification of a control-register access.
constexpr Exit::Control decode_control(u64 qualification) {
    const unsigned type = qualification >> 4 & 3;  // MOV to CR, MOV from CR, CLTS, LMSW
    return {.number = static_cast<u8>(qualification & 0xf),
            .write = type != 1,
            .decoded = true,
            .gpr = static_cast<u8>(qualification >> 8 & 0xf),
            .clear_task_switched = type == 2,
            .load_status_word = type == 3,
            .status_word = static_cast<u16>(qualification >> 16)};
}

/// Exit qualification of an EPT violation.
constexpr Exit::Fault decode_violation(u64 qualification, u64 address) {
    return {.address = Gpa{address},
            .read = (qualification & EPT_VIOLATION_READ) != 0,
            .write = (qualification & EPT_VIOLATION_WRITE) != 0,
            .fetch = (qualification & EPT_VIOLATION_FETCH) != 0,
            .present = (qualification & EPT_VIOLATION_PRESENT) != 0,
            .in_page_walk = (qualification & EPT_VIOLATION_LINEAR_VALID) != 0 &&
                            (qualification & EPT_VIOLATION_TRANSLATED) == 0,
            .misconfigured = false};
}

/// An exit for an instruction, which skip() can pass over.
template <class Vmcs>
void decode_instruction(const Vmcs& vmcs, Exit& exit, Exit::Kind kind) {
    exit.kind = kind;
    exit.length = static_cast<u8>(vmcs.read(Field::VM_EXIT_INSTRUCTION_LENGTH));
}

template <class Vmcs>
void decode_hypercall(const Vmcs& vmcs, Exit& exit) {
    decode_instruction(vmcs, exit, Exit::Kind::hypercall);
    constexpr u64 code_is_64_bit = 1u << 13, ia32e_guest = 1u << 9;
    exit.long_mode = (vmcs.read(Field::GUEST_CS_ACCESS_RIGHTS) & code_is_64_bit) &&
                     (vmcs.read(Field::VM_ENTRY_CONTROLS) & ia32e_guest);
    exit.privilege = vmcs.read(Field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
}

template <class Vmcs>
void decode_exception(const Vmcs& vmcs, Exit& exit) {
    const u64 information = vmcs.read(Field::VM_EXIT_INTERRUPTION_INFORMATION);
    const bool nmi = (information & INTERRUPTION_TYPE) == INTERRUPTION_NMI;
    exit.kind = nmi ? Exit::Kind::nmi : Exit::Kind::exception;
    exit.vector = information & INTERRUPTION_VECTOR;
    exit.qualification = vmcs.read(Field::EXIT_QUALIFICATION);
}

template <class Vmcs>
void decode_nested_fault(const Vmcs& vmcs, Exit& exit, bool misconfigured) {
    exit.kind = Exit::Kind::nested_fault;
    exit.qualification = misconfigured ? 0 : vmcs.read(Field::EXIT_QUALIFICATION);
    exit.fault = decode_violation(exit.qualification, vmcs.read(Field::GUEST_PHYSICAL_ADDRESS));
    exit.fault.misconfigured = misconfigured;
}

/// The exits whose operand is in the qualification.
template <class Vmcs>
void decode_qualified(const Vmcs& vmcs, Exit& exit, Exit::Kind kind) {
    exit.kind = kind;
    exit.qualification = vmcs.read(Field::EXIT_QUALIFICATION);
    if (kind == Exit::Kind::port)
        exit.port = decode_port(exit.qualification);
    else if (kind == Exit::Kind::control_register)
        exit.control = decode_control(exit.qualification);
    else if (kind == Exit::Kind::apic_write)
        exit.apic_offset = exit.qualification & 0xfff;
    else
        exit.vector = exit.qualification & 0xff;
}

/// Instructions that this guest's CPU does not have.
constexpr bool is_undefined_instruction(u32 reason) {
    return reason == EXIT_GETSEC || (reason >= EXIT_VMCLEAR && reason <= EXIT_VMXON) ||
           reason == EXIT_MWAIT || reason == EXIT_MONITOR || reason == EXIT_INVEPT ||
           reason == EXIT_INVVPID || reason == EXIT_VMFUNC || reason == EXIT_ENCLS;
}

/// Exits that are none of the common ones; what the engine settles by itself is `resolved`.
template <class Vmcs>
void decode_rare(const Vmcs& vmcs, Exit& exit, u32 reason) {
    using Kind = Exit::Kind;
    switch (reason) {
    case EXIT_NMI_WINDOW:
    case EXIT_RDPMC: exit.kind = Kind::resolved; return;
    case EXIT_TRIPLE_FAULT: exit.kind = Kind::shutdown; return;
    case EXIT_TPR_BELOW_THRESHOLD: exit.kind = Kind::task_priority; return;
    case EXIT_INVD:
    case EXIT_WBINVD: return decode_instruction(vmcs, exit, Kind::cache_write_back);
    case EXIT_XSETBV: return decode_instruction(vmcs, exit, Kind::extended_control);
    case EXIT_PAUSE: return decode_instruction(vmcs, exit, Kind::pause);
    case EXIT_CONTROL_REGISTER:
        decode_instruction(vmcs, exit, Kind::control_register);
        return decode_qualified(vmcs, exit, Kind::control_register);
    case EXIT_APIC_WRITE: return decode_qualified(vmcs, exit, Kind::apic_write);
    case EXIT_VIRTUALIZED_EOI: return decode_qualified(vmcs, exit, Kind::end_of_interrupt);
    case EXIT_EPT_MISCONFIGURATION: return decode_nested_fault(vmcs, exit, true);
    default: break;
    }
    if (is_undefined_instruction(reason))
        return decode_instruction(vmcs, exit, Kind::undefined);
    exit.kind = reason & entry_failed ? Kind::refused : Kind::unhandled;
    exit.qualification = vmcs.read(Field::EXIT_QUALIFICATION);
}

/// Says in neutral words why the guest of this VMCS stopped. Reads only what the exit needs.
template <class Vmcs>
void decode(const Vmcs& vmcs, Exit& exit) {
    using Kind = Exit::Kind;
    const u32 reason = static_cast<u32>(vmcs.read(Field::EXIT_REASON));
    exit.raw = reason;
    exit.qualification = 0;
    exit.length = 0;
    switch (reason) {
    case EXIT_CPUID: return decode_instruction(vmcs, exit, Kind::cpuid);
    case EXIT_HLT: return decode_instruction(vmcs, exit, Kind::halt);
    case EXIT_VMCALL: return decode_hypercall(vmcs, exit);
    case EXIT_RDMSR: return decode_instruction(vmcs, exit, Kind::read_msr);
    case EXIT_WRMSR: return decode_instruction(vmcs, exit, Kind::write_msr);
    case EXIT_EXTERNAL_INTERRUPT: exit.kind = Kind::external_interrupt; return;
    case EXIT_PREEMPTION_TIMER: exit.kind = Kind::timer; return;
    case EXIT_INTERRUPT_WINDOW: exit.kind = Kind::interrupt_window; return;
    case EXIT_EXCEPTION_OR_NMI: return decode_exception(vmcs, exit);
    case EXIT_EPT_VIOLATION: return decode_nested_fault(vmcs, exit, false);
    case EXIT_IO_INSTRUCTION:
        decode_instruction(vmcs, exit, Kind::port);
        return decode_qualified(vmcs, exit, Kind::port);
    default: return decode_rare(vmcs, exit, reason);
    }
}

}  // namespace hv::vmx

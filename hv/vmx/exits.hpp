// From a raw exit to a neutral one, and from an event to its spelling: the only place that reads
// exit reasons and qualifications.
#pragma once

#include <array>
#include <vmx/fields.hpp>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::vmx {

using x86::Exit;

/// Intel SDM, appendix "VMX Basic Exit Reasons".
enum ExitReason : u32 {
    EXIT_EXCEPTION_OR_NMI = 0,
    EXIT_EXTERNAL_INTERRUPT = 1,
    EXIT_TRIPLE_FAULT = 2,
    EXIT_INTERRUPT_WINDOW = 7, EXIT_NMI_WINDOW = 8,
    EXIT_TASK_SWITCH = 9,
    EXIT_CPUID = 10,
    EXIT_GETSEC = 11,
    EXIT_HLT = 12,
    EXIT_INVD = 13,
    EXIT_RDPMC = 15,
    EXIT_VMCALL = 18,
    EXIT_VMCLEAR = 19,
    EXIT_VMXON = 27,
    EXIT_CONTROL_REGISTER = 28,
    EXIT_IO_INSTRUCTION = 30,
    EXIT_RDMSR = 31, EXIT_WRMSR = 32,
    EXIT_MWAIT = 36, EXIT_MONITOR = 39,
    EXIT_PAUSE = 40,
    EXIT_EPT_VIOLATION = 48, EXIT_EPT_MISCONFIGURATION = 49,
    EXIT_INVEPT = 50,
    EXIT_PREEMPTION_TIMER = 52,
    EXIT_INVVPID = 53,
    EXIT_WBINVD = 54,
    EXIT_XSETBV = 55,
    EXIT_APIC_WRITE = 56,
    EXIT_VMFUNC = 59,
    EXIT_ENCLS = 60,
};

/// Exit reason, bit 31: the guest was never entered (VM-entry failure).
inline constexpr u32 entry_failed = 1u << 31;

/// Guest interruptibility state.
enum InterruptibilityBits : u32 {
    BLOCKING_BY_STI = 1u << 0,
    BLOCKING_BY_MOV_SS = 1u << 1,
    BLOCKING_BY_NMI = 1u << 3,
};

/// Exit qualification of an EPT violation.
enum EptViolationBits : u64 {
    EPT_VIOLATION_READ = 1u << 0,
    EPT_VIOLATION_WRITE = 1u << 1,
    EPT_VIOLATION_FETCH = 1u << 2,
    EPT_VIOLATION_PRESENT = 7u << 3,        ///< readable, writable or executable
    EPT_VIOLATION_LINEAR_VALID = 1u << 7,
    EPT_VIOLATION_TRANSLATED = 1u << 8,     ///< clear: while walking the guest's own tables
    EPT_VIOLATION_NMI_UNBLOCKED = 1u << 12, ///< an IRET faulted after it had unblocked NMIs
};

/// What a reason means, and which of its operands are read.
struct alignas(4) Meaning {
    Exit::Kind kind = Exit::Kind::unhandled;
    bool instruction = false;  ///< its length: skip() can pass over it
    bool qualified = true;     ///< its qualification
};

/// The meaning of each exit reason. What the engine settles by itself is `resolved`.
inline constexpr auto meanings = [] {
    using Kind = Exit::Kind;
    std::array<Meaning, EXIT_ENCLS + 1> of{};
    of[EXIT_EXCEPTION_OR_NMI] = {Kind::exception};
    of[EXIT_CONTROL_REGISTER] = {Kind::control_register, true};
    of[EXIT_IO_INSTRUCTION] = {Kind::port, true};
    of[EXIT_EPT_VIOLATION] = {Kind::nested_fault};
    of[EXIT_APIC_WRITE] = {Kind::apic_write};

    // Those without operands
    of[EXIT_EXTERNAL_INTERRUPT] = {Kind::external_interrupt, false, false};
    of[EXIT_TRIPLE_FAULT] = {Kind::shutdown, false, false};
    of[EXIT_INTERRUPT_WINDOW] = {Kind::interrupt_window, false, false};
    of[EXIT_PREEMPTION_TIMER] = {Kind::timer, false, false};
    of[EXIT_EPT_MISCONFIGURATION] = {Kind::nested_fault, false, false};
    of[EXIT_NMI_WINDOW] = of[EXIT_RDPMC] = {Kind::resolved, false, false};

    // Instructions that say all by themselves
    of[EXIT_CPUID] = {Kind::cpuid, true, false};
    of[EXIT_HLT] = {Kind::halt, true, false};
    of[EXIT_VMCALL] = {Kind::hypercall, true, false};
    of[EXIT_RDMSR] = {Kind::read_msr, true, false};
    of[EXIT_WRMSR] = {Kind::write_msr, true, false};
    of[EXIT_PAUSE] = {Kind::pause, true, false};
    of[EXIT_XSETBV] = {Kind::extended_control, true, false};
    of[EXIT_INVD] = of[EXIT_WBINVD] = {Kind::cache_write_back, true, false};

    // Instructions that this guest's CPU does not have
    for (const u32 reason : {EXIT_GETSEC, EXIT_MWAIT, EXIT_MONITOR, EXIT_INVEPT, EXIT_INVVPID,
                             EXIT_VMFUNC, EXIT_ENCLS})
        of[reason] = {Kind::undefined, true, false};
    for (u32 reason = EXIT_VMCLEAR; reason <= EXIT_VMXON; ++reason)
        of[reason] = {Kind::undefined, true, false};
    return of;
}();

/// Exit qualification of an I/O instruction. Intel SDM, "Exit Qualification for I/O Instructions".
constexpr Exit::Port decode_port(u64 qualification) {
    return {.number = static_cast<u16>(qualification >> 16),
            .size = static_cast<u8>((qualification & 7) + 1),
            .in = (qualification >> 3 & 1) != 0,
            .string = (qualification >> 4 & 1) != 0,
            .repeated = (qualification >> 5 & 1) != 0};
}

/// Exit qualification of a control-register access: with our controls it is a MOV to CR.
constexpr Exit::Control decode_control(u64 qualification) {
    return {.number = static_cast<u8>(qualification & 0xf),
            .decoded = true,
            .gpr = static_cast<u8>(qualification >> 8 & 0xf)};
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

/// Who made a hypercall: the mode and the privilege of the code.
template <class Read>
void decode_caller(const Read& read, Exit& exit) {
    constexpr u64 code_is_64_bit = 1u << 13, ia32e_guest = 1u << 9;
    exit.long_mode = (read(Field::GUEST_CS_ACCESS_RIGHTS) & code_is_64_bit) &&
                     (read(Field::VM_ENTRY_CONTROLS) & ia32e_guest);
    exit.privilege = read(Field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
}

template <class Read>
void decode_exception(const Read& read, Exit& exit) {
    const u64 information = read(Field::VM_EXIT_INTERRUPTION_INFORMATION);
    if ((information & x86::EVENT_TYPE) == x86::EVENT_NMI)
        exit.kind = Exit::Kind::nmi;
    exit.vector = information & x86::EVENT_VECTOR;
}

/// Says in neutral words why the guest stopped, whose VMCS `read` reads a field at a time.
/// Only what the exit needs is read.
template <class Read>
void decode(const Read& read, Exit& exit) {
    using Kind = Exit::Kind;
    const u32 reason = static_cast<u32>(read(Field::EXIT_REASON));
    const Meaning meaning = reason < meanings.size()  ? meanings[reason]
                            : reason & entry_failed ? Meaning{Kind::refused}
                                                      : Meaning{};
    exit.raw = reason;
    exit.kind = meaning.kind;
    exit.length = meaning.instruction
                      ? static_cast<u8>(read(Field::VM_EXIT_INSTRUCTION_LENGTH)) : 0;
    exit.qualification = meaning.qualified ? read(Field::EXIT_QUALIFICATION) : 0;
    switch (meaning.kind) {
    case Kind::hypercall: return decode_caller(read, exit);
    case Kind::exception: return decode_exception(read, exit);
    case Kind::port: exit.port = decode_port(exit.qualification); return;
    case Kind::control_register: exit.control = decode_control(exit.qualification); return;
    case Kind::apic_write: exit.apic_offset = exit.qualification & 0xfff; return;
    case Kind::nested_fault:
        exit.fault =
            decode_violation(exit.qualification, read(Field::GUEST_PHYSICAL_ADDRESS));
        exit.fault.misconfigured = reason == EXIT_EPT_MISCONFIGURATION;
        return;
    default: return;
    }
}

/// IDT-vectoring information, as entry interruption information: the same event once more.
/// Intel SDM, "Information for VM Exits During Event Delivery"; bits 30:12 must be zero on entry.
constexpr u32 again(u32 idt_vectoring) {
    return idt_vectoring & (x86::EVENT_VALID | x86::EVENT_ERROR_CODE | x86::EVENT_TYPE |
                            x86::EVENT_VECTOR);
}

/// Software interrupts, INT3, INTO and INT1: entry needs the length of the instruction.
constexpr bool is_software_event(u32 information) {
    return (information & x86::EVENT_TYPE) >= x86::EVENT_SOFTWARE_INTERRUPT;
}

}  // namespace hv::vmx

// Why a guest left VMX non-root operation, and the bits that say so. Read in vmx/ alone.
#pragma once

#include <base/types.hpp>

namespace hv::vmx {

/// Intel SDM, appendix "VMX Basic Exit Reasons".
enum ExitReason : u32 {
    EXIT_EXCEPTION_OR_NMI = 0,
    EXIT_EXTERNAL_INTERRUPT = 1,
    EXIT_TRIPLE_FAULT = 2,
    EXIT_INTERRUPT_WINDOW = 7,
    EXIT_NMI_WINDOW = 8,
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
    EXIT_RDMSR = 31,
    EXIT_WRMSR = 32,
    EXIT_MWAIT = 36,
    EXIT_MONITOR = 39,
    EXIT_PAUSE = 40,
    EXIT_EPT_VIOLATION = 48,
    EXIT_EPT_MISCONFIGURATION = 49,
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

/// Interruption information, the same in its entry, exit and IDT-vectoring forms.
enum InterruptionBits : u32 {
    INTERRUPTION_VECTOR = 0xff,
    INTERRUPTION_TYPE = 7u << 8,
    INTERRUPTION_ERROR_CODE = 1u << 11,
    INTERRUPTION_VALID = 1u << 31,

    INTERRUPTION_EXTERNAL = 0u << 8,
    INTERRUPTION_NMI = 2u << 8,
    INTERRUPTION_HARDWARE_EXCEPTION = 3u << 8,
    INTERRUPTION_SOFTWARE_INTERRUPT = 4u << 8,
};

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

}  // namespace hv::vmx

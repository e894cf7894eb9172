// The fields of a VMCS by their encodings, named as in the Intel SDM's appendix on them.
#pragma once

#include <base/types.hpp>

namespace hv::vmx {

/// Intel SDM, "Field Encoding in VMCS": bits 14:13 give the width, 11:10 the kind of field.
/// A family of fields stands on one row.
enum class Field : u32 {
    // 16-bit control and guest-state fields
    VPID = 0x0000,
    GUEST_ES_SELECTOR = 0x0800,  ///< ES, CS, SS, DS, FS, GS, LDTR, TR follow each other by 2
    GUEST_INTERRUPT_STATUS = 0x0810,  ///< RVI in bits 7:0, SVI in 15:8

    // 16-bit host-state fields
    HOST_ES_SELECTOR = 0x0c00,  ///< ES, CS, SS, DS, FS, GS, TR follow each other by 2

    // 64-bit control fields
    MSR_BITMAP_ADDRESS = 0x2004,
    TSC_OFFSET = 0x2010,
    VIRTUAL_APIC_ADDRESS = 0x2012,
    EPT_POINTER = 0x201a,
    EOI_EXIT_BITMAP_0 = 0x201c,  ///< 1, 2 and 3 follow by 2
    XSS_EXITING_BITMAP = 0x202c,

    // 64-bit read-only and guest-state fields
    GUEST_PHYSICAL_ADDRESS = 0x2400,
    VMCS_LINK_POINTER = 0x2800,
    GUEST_IA32_DEBUGCTL = 0x2802, GUEST_IA32_PAT = 0x2804, GUEST_IA32_EFER = 0x2806,

    // 64-bit host-state fields
    HOST_IA32_PAT = 0x2c00, HOST_IA32_EFER = 0x2c02,

    // 32-bit control fields
    PIN_BASED_CONTROLS = 0x4000, PRIMARY_CONTROLS = 0x4002,
    EXCEPTION_BITMAP = 0x4004,
    PAGE_FAULT_ERROR_CODE_MASK = 0x4006, PAGE_FAULT_ERROR_CODE_MATCH = 0x4008,
    CR3_TARGET_COUNT = 0x400a,
    VM_EXIT_CONTROLS = 0x400c,
    VM_EXIT_MSR_STORE_COUNT = 0x400e, VM_EXIT_MSR_LOAD_COUNT = 0x4010,
    VM_ENTRY_CONTROLS = 0x4012,
    VM_ENTRY_MSR_LOAD_COUNT = 0x4014,
    VM_ENTRY_INTERRUPTION_INFORMATION = 0x4016,
    VM_ENTRY_EXCEPTION_ERROR_CODE = 0x4018,
    VM_ENTRY_INSTRUCTION_LENGTH = 0x401a,
    TPR_THRESHOLD = 0x401c,
    SECONDARY_CONTROLS = 0x401e,
    PLE_GAP = 0x4020, PLE_WINDOW = 0x4022,

    // 32-bit read-only fields
    VM_INSTRUCTION_ERROR = 0x4400,
    EXIT_REASON = 0x4402,
    VM_EXIT_INTERRUPTION_INFORMATION = 0x4404,
    IDT_VECTORING_INFORMATION = 0x4408, IDT_VECTORING_ERROR_CODE = 0x440a,
    VM_EXIT_INSTRUCTION_LENGTH = 0x440c,

    // 32-bit guest-state fields
    GUEST_ES_LIMIT = 0x4800,
    GUEST_GDTR_LIMIT = 0x4810,  ///< and GUEST_IDTR_LIMIT
    GUEST_ES_ACCESS_RIGHTS = 0x4814,
    GUEST_CS_ACCESS_RIGHTS = 0x4816, GUEST_SS_ACCESS_RIGHTS = 0x4818,
    GUEST_INTERRUPTIBILITY_STATE = 0x4824, GUEST_ACTIVITY_STATE = 0x4826,
    GUEST_IA32_SYSENTER_CS = 0x482a,
    VMX_PREEMPTION_TIMER_VALUE = 0x482e,

    // 32-bit host-state fields
    HOST_IA32_SYSENTER_CS = 0x4c00,

    // Natural-width control and read-only fields
    CR0_GUEST_HOST_MASK = 0x6000, CR4_GUEST_HOST_MASK = 0x6002,
    CR0_READ_SHADOW = 0x6004, CR4_READ_SHADOW = 0x6006,
    EXIT_QUALIFICATION = 0x6400,

    // Natural-width guest-state fields
    GUEST_CR0 = 0x6800, GUEST_CR3 = 0x6802, GUEST_CR4 = 0x6804,
    GUEST_ES_BASE = 0x6806,
    GUEST_GDTR_BASE = 0x6816,  ///< and GUEST_IDTR_BASE
    GUEST_DR7 = 0x681a,
    GUEST_RSP = 0x681c, GUEST_RIP = 0x681e, GUEST_RFLAGS = 0x6820,
    GUEST_PENDING_DEBUG_EXCEPTIONS = 0x6822,
    GUEST_IA32_SYSENTER_ESP = 0x6824, GUEST_IA32_SYSENTER_EIP = 0x6826,

    // Natural-width host-state fields
    HOST_CR0 = 0x6c00, HOST_CR3 = 0x6c02, HOST_CR4 = 0x6c04,
    HOST_FS_BASE = 0x6c06, HOST_GS_BASE = 0x6c08, HOST_TR_BASE = 0x6c0a,
    HOST_GDTR_BASE = 0x6c0c, HOST_IDTR_BASE = 0x6c0e,
    HOST_IA32_SYSENTER_ESP = 0x6c10, HOST_IA32_SYSENTER_EIP = 0x6c12,
    HOST_RSP = 0x6c14,  ///< the world switch writes it
    HOST_RIP = 0x6c16,
};

/// The field that lies `steps` encodings of its family after `first`.
constexpr Field operator+(Field first, unsigned steps) {
    return static_cast<Field>(static_cast<u32>(first) + 2 * steps);
}

}  // namespace hv::vmx

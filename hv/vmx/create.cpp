// Making a vCPU's control block, with every field written, and taking it apart.
#include <base/panic.hpp>
#include <new>
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/masks.hpp>
#include <vmx/operations.hpp>
#include <x86/bits.hpp>

namespace hv::vmx {

namespace {

constexpr u32 bit(x86::Exception vector) { return 1u << vector; }

/// #MC is the machine's own. #DB and #AC are handed back at once: a guest that faults on their
/// delivery for ever must exit in between, or it would hold the pCPU.
constexpr u32 intercepted_exceptions =
    bit(x86::EXCEPTION_MC) | bit(x86::EXCEPTION_DB) | bit(x86::EXCEPTION_AC);

// Intel SDM, "PAUSE Exiting": PAUSEs at most this many ticks apart are one loop, and a loop longer
// than the window exits.
constexpr u32 pause_gap = 128, pause_window = 4096;

/// Fields that stay zero, or that start so.
constexpr Field zero_fields[] = {
    Field::PAGE_FAULT_ERROR_CODE_MASK,
    Field::PAGE_FAULT_ERROR_CODE_MATCH,
    Field::CR3_TARGET_COUNT,
    Field::VM_EXIT_MSR_STORE_COUNT,
    Field::VM_EXIT_MSR_LOAD_COUNT,
    Field::VM_ENTRY_MSR_LOAD_COUNT,
    Field::VM_ENTRY_EXCEPTION_ERROR_CODE,
    Field::VM_ENTRY_INSTRUCTION_LENGTH,
    Field::TSC_OFFSET,
    Field::TPR_THRESHOLD,
    Field::GUEST_IA32_DEBUGCTL,
    Field::GUEST_SMBASE,
    Field::GUEST_PDPTE0,
    Field::GUEST_PDPTE0 + 1,
    Field::GUEST_PDPTE0 + 2,
    Field::GUEST_PDPTE0 + 3,
};

void write_controls(x86::VirtualCpu& vcpu, const Controls& controls) {
    Companion& own = companion(vcpu);
    own.pin = controls.pin;
    own.primary = controls.primary;
    vmwrite(Field::PIN_BASED_CONTROLS, controls.pin);
    vmwrite(Field::PRIMARY_CONTROLS, controls.primary);
    vmwrite(Field::SECONDARY_CONTROLS, controls.secondary);
    vmwrite(Field::VM_EXIT_CONTROLS, controls.exit);
    vmwrite(Field::VM_ENTRY_CONTROLS, controls.entry);

    vmwrite(Field::EXCEPTION_BITMAP, intercepted_exceptions);
    vmwrite(Field::CR0_GUEST_HOST_MASK, cr0_host_owned);
    vmwrite(Field::CR4_GUEST_HOST_MASK, cr4_host_owned);
    vmwrite(Field::VMCS_LINK_POINTER, ~0ull);
    vmwrite(Field::VIRTUAL_APIC_ADDRESS, vcpu.apic_address.value);
    for (const Field field : zero_fields)
        vmwrite(field, 0);
}

/// Fields that exist only where their control does.
void write_optional_fields(const Controls& controls) {
    if (controls.secondary & SECONDARY_PAUSE_LOOP_EXITING) {
        vmwrite(Field::PLE_GAP, pause_gap);
        vmwrite(Field::PLE_WINDOW, pause_window);
    }
    if (controls.secondary & SECONDARY_XSAVES)
        vmwrite(Field::XSS_EXITING_BITMAP, 0);
    if (delivers_interrupts(this_area().controls))
        for (unsigned i = 0; i < 4; ++i)
            vmwrite(Field::EOI_EXIT_BITMAP_0 + i, 0);
}

Result<> make_companion(x86::VirtualCpu& vcpu, FrameSource& source) {
    const Result<Mpa> frame = source.take(source.context, 0);
    TRY(frame);
    static_assert(sizeof(Companion) <= page_size);
    vcpu.control = new (source.at(source.context, *frame)) Companion{.address = *frame};
    return {};
}

}  // namespace

Result<> create(x86::VirtualCpu& vcpu, FrameSource& source) {
    const Area& area = this_area();
    const Result<Mpa> frame = source.take(source.context, 0);
    TRY(frame);
    if (const Result<> made = make_companion(vcpu, source); !made) {
        source.give_back(source.context, *frame);
        return made.error();
    }
    vcpu.control_address = *frame;
    vcpu.engine_bits = 0;
    vcpu.last_cpu = 0xffff;
    *reinterpret_cast<u32*>(source.at(source.context, *frame)) = area.revision;
    if (!vmclear(vcpu.control_address))
        panic("VMCLEAR refused the new VMCS at {:x}", vcpu.control_address);
    {
        Loaded loaded{vcpu};
        const Controls controls = without_delivery(area.controls);
        write_controls(vcpu, controls);
        write_optional_fields(controls);
    }
    return write_state(vcpu, CpuState{});
}

void destroy(x86::VirtualCpu& vcpu, FrameSource& source) {
    if (!vcpu.control)
        return;
    source.give_back(source.context, companion(vcpu).address);
    source.give_back(source.context, vcpu.control_address);
    vcpu.control = nullptr;
    vcpu.control_address = {};
}

}  // namespace hv::vmx

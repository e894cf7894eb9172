// Turning VMX on, one pCPU at a time, and making and unmaking control blocks.
#include <base/panic.hpp>
#include <new>
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>
#include <x86/descriptors.hpp>
#include <x86/msr.hpp>

extern "C" void vmx_world_switch_exit();

namespace hv::vmx {

namespace {

using x86::CpuState;
using x86::FrameSource;
using x86::VirtualCpu;

// Turning on

/// Reads what this pCPU offers.
Offer read_offer() {
    Offer offer{.vmx = (x86::cpuid(1).ecx >> 5 & 1) != 0};
    if (!offer.vmx)
        return offer;
    offer.feature_control = x86::read_msr(x86::IA32_FEATURE_CONTROL);
    offer.basic = x86::read_msr(x86::IA32_VMX_BASIC);
    offer.misc = x86::read_msr(x86::IA32_VMX_MISC);

    // The TRUE controls, where there are some, let more bits be zero
    const u32 distance = offer.true_controls()
                             ? x86::IA32_VMX_TRUE_PINBASED_CTLS - x86::IA32_VMX_PINBASED_CTLS : 0;
    offer.pin = x86::read_msr(x86::IA32_VMX_PINBASED_CTLS + distance);
    offer.primary = x86::read_msr(x86::IA32_VMX_PROCBASED_CTLS + distance);
    offer.exit = x86::read_msr(x86::IA32_VMX_EXIT_CTLS + distance);
    offer.entry = x86::read_msr(x86::IA32_VMX_ENTRY_CTLS + distance);

    // Each of these MSRs exists only if the one before it says so
    if (allows(offer.primary, PRIMARY_SECONDARY))
        offer.secondary = x86::read_msr(x86::IA32_VMX_PROCBASED_CTLS2);
    if (allows(offer.secondary, SECONDARY_EPT) || allows(offer.secondary, SECONDARY_VPID))
        offer.ept_vpid = x86::read_msr(x86::IA32_VMX_EPT_VPID_CAP);
    return offer;
}

/// Firmware that left VMX unlocked lets us choose: on, and locked.
void unlock(const Offer& offer) {
    constexpr u64 on = x86::FEATURE_CONTROL_LOCK | x86::FEATURE_CONTROL_VMX_OUTSIDE_SMX;
    if (!(offer.feature_control & x86::FEATURE_CONTROL_LOCK))
        x86::write_msr(x86::IA32_FEATURE_CONTROL, offer.feature_control | on);
}

/// VMXON wants certain bits of CR0 and CR4 one, and others zero. The boot code's values differ in
/// CR0.NE and CR4.VMXE alone, but the MSRs have the last word.
void fix_control_registers() {
    const u64 cr0 = x86::read_cr0() | x86::read_msr(x86::IA32_VMX_CR0_FIXED0);
    const u64 cr4 = x86::read_cr4() | x86::read_msr(x86::IA32_VMX_CR4_FIXED0) | x86::CR4_VMXE;
    x86::write_cr0(cr0 & x86::read_msr(x86::IA32_VMX_CR0_FIXED1));
    x86::write_cr4(cr4 & x86::read_msr(x86::IA32_VMX_CR4_FIXED1));
}

Result<> turn_on(u16, u64 tsc_hz, FrameSource& source) {
    const char* why = nullptr;
    const Offer offer = read_offer();
    TRY(judge(offer, &why));
    const Controls controls = TRY(choose_controls(offer, &why));

    // What every entry here finds ready
    const Mpa block = TRY(source.take(source.context, area_order));
    Area& area = *new (source.at(source.context, block)) Area{};
    area.address = block;
    area.controls = controls;
    fill_msr_bitmap(area.msr_bitmap, false);
    fill_msr_bitmap(area.apic_msr_bitmap, true);
    area.revision = offer.revision();
    area.has_branch_barrier = x86::cpuid_if_present(7).edx >> 26 & 1;
    const u64 a_millisecond = tsc_hz / 1000 >> offer.preemption_timer_shift();
    area.timer_value = static_cast<u32>(a_millisecond > 0 ? a_millisecond : 1);

    // From here on VMX's instructions exist
    unlock(offer);
    fix_control_registers();
    *reinterpret_cast<u32*>(area.vmxon_region) = area.revision;
    if (!vmxon(area.address_of(area.vmxon_region)))
        return Error{XEN_EIO};
    x86::set_engine_area(&area);

    // What another hypervisor, or firmware, left in the translation caches
    if (offer.ept_vpid & CAP_INVEPT_ALL)
        invept(Forget::all, 0);
    if (offer.ept_vpid & CAP_INVVPID_ALL)
        invvpid_all();
    return {};
}

// Making and unmaking control blocks

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
    Field::TPR_THRESHOLD,
    Field::GUEST_IA32_DEBUGCTL,
};

void write_controls(VirtualCpu& vcpu, const Controls& controls) {
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

Result<> create(VirtualCpu& vcpu, FrameSource& source) {
    const Area& area = this_area();
    const Mpa block = TRY(source.take(source.context, 1));
    u8* vmcs = source.at(source.context, block);
    *reinterpret_cast<u32*>(vmcs) = area.revision;
    static_assert(sizeof(Companion) <= page_size);
    vcpu.control = new (vmcs + page_size) Companion{};
    vcpu.control_address = block;
    vcpu.engine_bits = 0;
    vcpu.last_cpu = 0xffff;
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

void destroy(VirtualCpu& vcpu, FrameSource& source) {
    source.give_back(source.context, vcpu.control_address);
    source.give_back(source.context, vcpu.control_address + page_size);
    vcpu.control = nullptr;
    vcpu.control_address = {};
}

// The host's half of a VMCS

/// The base that a 16-byte TSS descriptor spells. Intel SDM, "TSS Descriptor in 64-bit mode".
u64 task_state_base(u64 gdt) {
    const u64* descriptor = reinterpret_cast<const u64*>(gdt + x86::tss_selector);
    const u64 low = descriptor[0], high = descriptor[1];
    return (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | high << 32;
}

/// ES, CS, SS, DS, FS, GS and TR. 64-bit code does not use the data segments: null is fine there.
constexpr u16 selectors[] = {0, x86::code_selector, x86::data_selector, 0, 0, 0, x86::tss_selector};

/// Fields that this host has no use for.
constexpr Field unused_fields[] = {Field::HOST_FS_BASE, Field::HOST_IA32_SYSENTER_CS,
                                   Field::HOST_IA32_SYSENTER_ESP, Field::HOST_IA32_SYSENTER_EIP};

}  // namespace

void write_host_state() {
    vmwrite(Field::HOST_CR0, x86::read_cr0());
    vmwrite(Field::HOST_CR3, x86::read_cr3());
    vmwrite(Field::HOST_CR4, x86::read_cr4());
    vmwrite(Field::HOST_IA32_EFER, x86::read_msr(x86::IA32_EFER));
    vmwrite(Field::HOST_IA32_PAT, x86::read_msr(x86::IA32_PAT));

    const u64 gdt = x86::read_gdt().base;
    for (unsigned i = 0; i < std::size(selectors); ++i)
        vmwrite(Field::HOST_ES_SELECTOR + i, selectors[i]);
    vmwrite(Field::HOST_TR_BASE, task_state_base(gdt));
    vmwrite(Field::HOST_GS_BASE, x86::read_msr(x86::IA32_GS_BASE));
    vmwrite(Field::HOST_GDTR_BASE, gdt);
    vmwrite(Field::HOST_IDTR_BASE, x86::read_idt().base);
    for (const Field field : unused_fields)
        vmwrite(field, 0);
    vmwrite(Field::HOST_RIP, reinterpret_cast<u64>(&vmx_world_switch_exit));
}

constexpr x86::EngineOperations operations{
    .name = "VMX",
    .nested_format = &x86::ept_format,
    .probe = [](const char** why) { return judge(read_offer(), why); },
    .turn_on = turn_on,
    .create = create,
    .destroy = destroy,
    .read_state = read_state,
    .write_state = write_state,
    .paging_state = paging_state,
    .set_instruction_pointer = set_instruction_pointer,
    // The MSRs that a VMCS holds never exit
    .read_msr = [](VirtualCpu&, u32) { return Result<u64>{Error{XEN_ENOENT}}; },
    .write_msr = [](VirtualCpu&, u32, u64) { return Result<>{Error{XEN_ENOENT}}; },
};

}  // namespace hv::vmx

// Virtual-interrupt delivery: the CPU itself takes a guest's interrupts out of its APIC page.
#include <bit>
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>

namespace hv::vmx {

namespace {

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

}  // namespace

void switch_delivery(x86::VirtualCpu& vcpu) {
    const Area& area = this_area();
    Companion& own = companion(vcpu);
    const bool on = vcpu.interrupts_delivered_by_cpu;
    const Controls controls = on ? area.controls : without_delivery(area.controls);

    own.primary ^= (own.primary ^ controls.primary) & PRIMARY_CR8_LOAD_EXITING;
    vmwrite(Field::PRIMARY_CONTROLS, own.primary);
    vmwrite(Field::SECONDARY_CONTROLS, controls.secondary);
    vmwrite(Field::MSR_BITMAP_ADDRESS, (on ? area.apic_msr_bitmap : area.msr_bitmap).value);
    vmwrite(Field::GUEST_INTERRUPT_STATUS, on ? interrupt_status(vcpu.apic_registers) : 0);
    own.delivering = on;
}

void Engine::offer(x86::VirtualCpu& vcpu) {
    vmwrite(Field::GUEST_INTERRUPT_STATUS, interrupt_status(vcpu.apic_registers));
}

}  // namespace hv::vmx

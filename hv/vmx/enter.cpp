// Into the guest and out of it: what every exit runs through.
#include <vmx/area.hpp>
#include <vmx/attend.hpp>
#include <vmx/ept_format.hpp>
#include <vmx/exits.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>
#include <x86/privileged.hpp>

extern "C" hv::u64 vmx_world_switch(hv::x86::GeneralRegisters* gpr, hv::vmx::Companion* own,
                                    hv::u32 launched);

namespace hv::vmx {

namespace {

/// A guest with interrupts off may keep its pCPU for a millisecond: not every processor (nor every
/// emulator) lets an external interrupt end it. The timer's value never changes, its control does.
void arm_timer(Companion& own) {
    const bool wanted = !(vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_IF);
    if (wanted == own.timer_armed) [[likely]]
        return;
    own.timer_armed = wanted;
    own.pin ^= PIN_PREEMPTION_TIMER;
    vmwrite(Field::PIN_BASED_CONTROLS, own.pin);
}

/// What others changed in the vCPU since the last entry.
void take_changes(x86::VirtualCpu& vcpu, Companion& own) {
    if (vcpu.flush_translations) [[unlikely]] {
        vcpu.flush_translations = false;
        vmwrite(Field::EPT_POINTER, ept_pointer(vcpu.nested_root));
        invept(Forget::one, ept_pointer(vcpu.nested_root));
    }
    if (vcpu.interrupts_delivered_by_cpu != own.delivering) [[unlikely]]
        switch_delivery(vcpu);
    if (vcpu.tsc_offset != own.tsc_offset) [[unlikely]] {
        own.tsc_offset = vcpu.tsc_offset;
        vmwrite(Field::TSC_OFFSET, own.tsc_offset);
    }
}

/// The CPU would not even try: the VMCS's controls are wrong, which is a bug of ours.
void refuse(x86::Exit& exit) {
    exit.kind = x86::Exit::Kind::refused;
    exit.raw = vmread(Field::VM_INSTRUCTION_ERROR);
    exit.qualification = 0;
}

}  // namespace

void Engine::enter(x86::VirtualCpu& vcpu, x86::Exit& exit) {
    Companion& own = companion(vcpu);
    take_changes(vcpu, own);
    arm_timer(own);
    if (vmx_world_switch(&vcpu.gpr, &own, vcpu.engine_bits & bit_launched) != 0) [[unlikely]]
        return refuse(exit);
    vcpu.engine_bits = (vcpu.engine_bits | bit_launched) & ~bit_queued;

    decode(CurrentVmcs{}, exit);
    if (needs_attention(exit.kind)) [[unlikely]]
        attend(vcpu, exit);
    const u32 cut_short = static_cast<u32>(vmread(Field::IDT_VECTORING_INFORMATION));
    if (cut_short & INTERRUPTION_VALID) [[unlikely]]
        deliver_again(vcpu, cut_short);
    x86::open_interrupt_window();
}

void Engine::skip(x86::VirtualCpu&, const x86::Exit& exit) {
    vmwrite(Field::GUEST_RIP, vmread(Field::GUEST_RIP) + exit.length);
    const u64 blocking = vmread(Field::GUEST_INTERRUPTIBILITY_STATE);
    constexpr u64 for_one_instruction = BLOCKING_BY_STI | BLOCKING_BY_MOV_SS;
    if (blocking & for_one_instruction)
        vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE, blocking & ~for_one_instruction);
}

bool Engine::interrupts_enabled(x86::VirtualCpu&) {
    return vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_IF;
}

bool Engine::interruptible(x86::VirtualCpu& vcpu) {
    if (vcpu.engine_bits & bit_queued || !interrupts_enabled(vcpu))
        return false;
    return !(vmread(Field::GUEST_INTERRUPTIBILITY_STATE) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

bool Engine::watch_window(x86::VirtualCpu& vcpu, bool watch) {
    Companion& own = companion(vcpu);
    const bool watched = own.primary & PRIMARY_INTERRUPT_WINDOW;
    if (watch == watched)
        return true;
    own.primary ^= PRIMARY_INTERRUPT_WINDOW;
    vmwrite(Field::PRIMARY_CONTROLS, own.primary);
    return true;
}

}  // namespace hv::vmx

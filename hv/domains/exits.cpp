// Answers to exits: HLT, CPUID, and the rare ones. What nothing answers crashes the
// domain.
#include <domains/exits.hpp>
#include <domains/household.hpp>
#include <domains/instruction.hpp>
#include <domains/trace.hpp>
#include <domains/vcpu_start.hpp>
#include <x86/privileged.hpp>

namespace hv {

void answer_cpuid(Vcpu& vcpu) {
    x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const CpuidLeaf leaf = vcpu.domain.policy->look_up(vcpu, static_cast<u32>(gpr.rax),
                                                       static_cast<u32>(gpr.rcx));
    gpr.rax = leaf.eax;
    gpr.rbx = leaf.ebx;
    gpr.rcx = leaf.ecx;
    gpr.rdx = leaf.edx;
}

void answer_halt(Cpu& cpu, Vcpu& vcpu, bool interrupts_enabled) {
    if (interrupts_enabled)
        return block(cpu, vcpu);
    take_down(cpu, vcpu);  // nothing can wake it
}

namespace {

/// A MOV to CR8, the task priority. The engine settles the other control registers, but for bits
/// that this guest's CPU does not have.
Outcome answer_control_register(Vcpu& vcpu, u8 number, u8 gpr) {
    if (number != 8 || vcpu.hardware.gpr[gpr] > 0xf)
        return Outcome::general_protection;
    vcpu.apic.write_register(0x80, static_cast<u32>(vcpu.hardware.gpr[gpr] << 4));
    return Outcome::complete;
}

/// The same where the engine knows no more than that it was one (QEMU's SVM, at a MOV to CR8).
Outcome decode_control_register(Vcpu& vcpu) {
    const x86::EngineOperations& engine = *vcpu.domain.machine.engine;
    x86::CpuState state;
    engine.read_state(vcpu.hardware, state);
    const Result<x86::Instruction> found = fetch_instruction(vcpu, state);
    if (!found.ok() || found->kind != x86::Instruction::Kind::write_control)
        return Outcome::undefined_opcode;
    const Outcome outcome = answer_control_register(vcpu, found->control, found->gpr);
    if (outcome != Outcome::complete)
        return outcome;
    engine.set_instruction_pointer(vcpu.hardware, state.rip + found->length);
    return Outcome::repeat;
}

/// XSETBV: the guest chooses which states XSAVE keeps, among those its CPUID offers.
Outcome answer_extended_control(Vcpu& vcpu) {
    const x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const u64 wish = gpr.rdx << 32 | static_cast<u32>(gpr.rax);
    if (static_cast<u32>(gpr.rcx) != 0 || !vcpu.fpu.set_xcr0(wish, vcpu.domain.policy->xcr0_mask()))
        return Outcome::general_protection;
    return Outcome::complete;
}

void describe_and_crash(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit, std::string_view why) {
    TextBuffer<160> text;
    print(text, "{} (engine code {:x}, detail {:x})", why, exit.raw, exit.qualification);
    crash(cpu, vcpu, text.view());
}

}  // namespace

Outcome answer_rare_exit(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit) {
    using Kind = x86::Exit::Kind;
    switch (exit.kind) {
    case Kind::read_msr:
        return answer_read_msr(vcpu);
    case Kind::write_msr:
        return answer_write_msr(cpu, vcpu);
    case Kind::port:
        return answer_port(cpu, vcpu, exit.port);
    case Kind::nested_fault:
        return answer_nested_fault(cpu, vcpu, exit.fault);
    case Kind::control_register:
        return exit.control.decoded
                   ? answer_control_register(vcpu, exit.control.number, exit.control.gpr)
                   : decode_control_register(vcpu);
    case Kind::extended_control:
        return answer_extended_control(vcpu);
    case Kind::cache_write_back:  // nothing of a guest's memory is uncached behind our back
        return Outcome::complete;
    case Kind::pause:
        if (household(*cpu.machine).scheduler->anyone_waiting(cpu))
            cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
        return Outcome::complete;
    case Kind::undefined:
        return Outcome::undefined_opcode;
    case Kind::nmi:
    case Kind::resolved:
        return Outcome::repeat;
    case Kind::apic_write:
        vcpu.apic.written(exit.apic_offset);
        return Outcome::repeat;
    case Kind::exception:  // the machine check alone: it is the machine's, whoever was running
        panic("a machine check came while d{} ran", vcpu.domain.id);
    case Kind::shutdown:
        describe_and_crash(cpu, vcpu, exit, "triple fault");
        return Outcome::repeat;
    case Kind::refused:
        describe_and_crash(cpu, vcpu, exit, "the CPU refused to enter this guest");
        return Outcome::repeat;
    default:
        describe_and_crash(cpu, vcpu, exit, "an exit that nothing answers");
        return Outcome::repeat;
    }
}

}  // namespace hv

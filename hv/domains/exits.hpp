// Answers to exits: what the hypervisor does for, or to, a guest that came out.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// What becomes of the instruction that exited.
enum class Outcome : u8 {
    complete,            ///< it was done for the guest: go on after it
    repeat,              ///< go on where the guest is now: nothing to skip
    undefined_opcode,    ///< #UD in its place
    general_protection,  ///< #GP(0) in its place
};

/// Notes an exit in the trace, before it is answered: a hypercall by its number, any other by its
/// kind.
void note_exit(Cpu& cpu, const Vcpu& vcpu, const x86::Exit& exit);
/// CPUID: EAX and ECX in, four registers out, from the domain's policy.
void answer_cpuid(Vcpu& vcpu);
/// HLT: waits for an interrupt; with interrupts off it never wakes, and is down.
void answer_halt(Cpu& cpu, Vcpu& vcpu, bool interrupts_enabled);
/// PAUSE and SCHEDOP_yield: another vCPU gets the pCPU, if one waits for it.
void yield(Cpu& cpu);
/// RDMSR and WRMSR: RCX names the MSR.
Outcome answer_read_msr(Vcpu& vcpu);
Outcome answer_write_msr(Vcpu& vcpu);
/// IN, OUT, INS, OUTS at a legacy port.
Outcome answer_port(Vcpu& vcpu, const x86::Exit::Port& port);
/// An access to guest physical memory that the p2m does not allow.
Outcome answer_nested_fault(Cpu& cpu, Vcpu& vcpu, const x86::Exit::Fault& fault);
/// A MOV to CR8, the task priority. The engine settles the other control registers, but for bits
/// that this guest's CPU does not have.
Outcome answer_control_register(Vcpu& vcpu, x86::Exit::Control control);
/// Every other kind; what nothing answers crashes the domain.
Outcome answer_rare_exit(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit);

}  // namespace hv

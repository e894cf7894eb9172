// Reading an exit: the only place where raw exit codes mean anything.
#include <svm/exit_codes.hpp>
#include <svm/exits.hpp>
#include <svm/intercepts.hpp>
#include <x86/bits.hpp>

namespace hv::svm {
namespace {

using x86::Exit;
using Kind = x86::Exit::Kind;

/// True for an instruction that our guests' CPU does not have.
bool is_undefined(u32 code) {
    for (const u32 absent :
         {VMEXIT_RDPMC, VMEXIT_INVLPGA, VMEXIT_VMRUN, VMEXIT_VMLOAD, VMEXIT_VMSAVE, VMEXIT_STGI,
          VMEXIT_CLGI, VMEXIT_SKINIT, VMEXIT_MONITOR, VMEXIT_MWAIT, VMEXIT_MWAIT_CONDITIONAL,
          VMEXIT_RDPRU})
        if (code == absent)
            return true;
    return false;
}

/// An instruction exited. Its length is what the CPU says, or `unprefixed` where it says nothing.
void instruction(const Vmcb& vmcb, Exit& exit, Kind kind, u8 unprefixed) {
    exit.kind = kind;
    const u64 next = vmcb.control.next_rip;
    exit.length = next ? static_cast<u8>(next - vmcb.save.rip) : unprefixed;
}

void hypercall(const Vmcb& vmcb, Exit& exit) {
    instruction(vmcb, exit, Kind::hypercall, 3);
    exit.long_mode = (vmcb.save.efer & x86::EFER_LMA) && (vmcb.save.cs.attributes & SEGMENT_LONG);
    exit.privilege = vmcb.save.cpl;
}

/// EXITINFO2 is the next RIP, on every CPU.
void port(const Vmcb& vmcb, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    exit.kind = Kind::port;
    exit.length = static_cast<u8>(vmcb.control.exitinfo2 - vmcb.save.rip);
    exit.port = {.number = static_cast<u16>(info >> IOIO_PORT_SHIFT),
                 .size = static_cast<u8>((info & IOIO_SIZE) >> 4),
                 .in = (info & IOIO_TYPE_IN) != 0,
                 .string = (info & IOIO_STR) != 0,
                 .repeated = (info & IOIO_REP) != 0};
}

void nested_fault(const Vmcb& vmcb, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    exit.kind = Kind::nested_fault;
    exit.fault = {.address = Gpa{vmcb.control.exitinfo2},
                  .read = !(info & (NPF_WRITE | NPF_FETCH)),
                  .write = (info & NPF_WRITE) != 0,
                  .fetch = (info & NPF_FETCH) != 0,
                  .present = (info & NPF_PRESENT) != 0,
                  .in_page_walk = (info & NPF_TABLE) != 0,
                  .misconfigured = (info & NPF_RESERVED) != 0};
}

void control_register(const Vmcb& vmcb, u32 code, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    instruction(vmcb, exit, Kind::control_register, 0);
    exit.control = {.number = static_cast<u8>(code & 0xf),
                    .decoded = exit.length > 0 && (info & CR_DECODED),
                    .gpr = static_cast<u8>(info & CR_GPR)};
}

/// A machine check is the machine's. The others go on to the guest at once: they exited only so
/// that a chain of them cannot hold this pCPU.
void exception(Vmcb& vmcb, u8 vector, Exit& exit) {
    exit.vector = vector;
    if (vector == x86::EXCEPTION_MC) {
        exit.kind = Kind::exception;
        return;
    }
    exit.kind = Kind::resolved;
    vmcb.control.eventinj = EVENT_VALID | EVENT_EXCEPTION | vector;
    if (vector == x86::EXCEPTION_AC)
        vmcb.control.eventinj |= EVENT_HAS_ERROR_CODE;  // which is always 0
}

/// The guest is about to leave its NMI handler. It executes its IRET now; what waits behind it is
/// delivered at the exit after.
void nmi_return(x86::VirtualCpu& vcpu, Vmcb& vmcb, Exit& exit) {
    exit.kind = Kind::resolved;
    vcpu.engine_bits = (vcpu.engine_bits & ~NMI_BLOCKED) | NMI_RETURNING;
    vmcb.control.intercepts_1 &= ~static_cast<u32>(INTERCEPT_IRET);
}

/// An event whose delivery the exit cut short is delivered at the next entry; but INT n, INT3 and
/// INTO are instructions, which the guest simply executes again. Low bits may be stale: only
/// EVENT_VALID says that there is one.
void queue_again(ControlArea& control) {
    const u64 event = control.exitintinfo;
    const u64 vector = event & EVENT_VECTOR;
    const bool instruction_again =
        (event & EVENT_TYPE) == EVENT_SOFTWARE_INTERRUPT ||
        ((event & EVENT_TYPE) == EVENT_EXCEPTION &&
         (vector == x86::EXCEPTION_BP || vector == x86::EXCEPTION_OF));
    if (!instruction_again)
        control.eventinj = event;
}

/// QEMU drops an interrupt shadow when it enters (STI's, mostly). A guest that an interrupt found
/// where it had entered in one is in it still: delivered now, before the HLT that mostly follows,
/// the interrupt would not end that HLT.
void keep_shadow(x86::VirtualCpu& vcpu, Vmcb& vmcb) {
    if (vmcb.control.interrupt_shadow & INTERRUPT_SHADOW)
        vcpu.shadowed_at = vmcb.save.rip;
    else if (vcpu.shadowed_at == vmcb.save.rip)
        vmcb.control.interrupt_shadow |= INTERRUPT_SHADOW;
    else
        vcpu.shadowed_at = 0;
}

}  // namespace

void decode(x86::VirtualCpu& vcpu, Vmcb& vmcb, Exit& exit) {
    const u32 code = static_cast<u32>(vmcb.control.exitcode);
    exit.raw = code;
    exit.length = 0;
    exit.qualification = vmcb.control.exitinfo1;
    if (vmcb.control.exitintinfo & EVENT_VALID) [[unlikely]]
        queue_again(vmcb.control);

    switch (code) {
    case VMEXIT_CPUID: return instruction(vmcb, exit, Kind::cpuid, 2);
    case VMEXIT_VMMCALL: return hypercall(vmcb, exit);
    case VMEXIT_HLT: return instruction(vmcb, exit, Kind::halt, 1);
    case VMEXIT_MSR:
        return instruction(vmcb, exit,
                           vmcb.control.exitinfo1 ? Kind::write_msr : Kind::read_msr, 2);
    case VMEXIT_IOIO: return port(vmcb, exit);
    case VMEXIT_NPF: return nested_fault(vmcb, exit);
    case VMEXIT_PAUSE: return instruction(vmcb, exit, Kind::pause, 2);
    case VMEXIT_XSETBV: return instruction(vmcb, exit, Kind::extended_control, 3);
    case VMEXIT_INVD:
    case VMEXIT_WBINVD: return instruction(vmcb, exit, Kind::cache_write_back, 2);

    case VMEXIT_INTR:
        exit.kind = Kind::external_interrupt;
        return keep_shadow(vcpu, vmcb);
    case VMEXIT_NMI:
    case VMEXIT_SMI:
    case VMEXIT_INIT: exit.kind = Kind::nmi; return;
    case VMEXIT_VINTR:
        exit.kind = Kind::interrupt_window;
        vmcb.control.v_irq = 0;
        return keep_shadow(vcpu, vmcb);
    case VMEXIT_IRET: return nmi_return(vcpu, vmcb, exit);
    case VMEXIT_SHUTDOWN: exit.kind = Kind::shutdown; return;
    case VMEXIT_INVALID: exit.kind = Kind::refused; return;

    default: break;
    }

    if (code <= VMEXIT_CR15_WRITE)
        return control_register(vmcb, code, exit);
    if (code >= VMEXIT_EXCP0 && code <= VMEXIT_EXCP31)
        return exception(vmcb, static_cast<u8>(code - VMEXIT_EXCP0), exit);
    exit.kind = is_undefined(code) ? Kind::undefined : Kind::unhandled;
}

}  // namespace hv::svm

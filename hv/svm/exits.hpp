// What a guest exits for, and reading its exit: the only place where raw exit codes mean anything.
#pragma once

#include <array>
#include <svm/vmcb.hpp>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

using x86::Exit;
using Kind = x86::Exit::Kind;

/// ControlArea::exitcode, its low 32 bits. Source: AMD64 APM volume 2, Appendix C, "SVM Intercept
/// Exit Codes". One CPU extends VMEXIT_INVALID with ones to 64 bits, another with zeros.
enum ExitCode : u32 {
    VMEXIT_CR8_WRITE = 0x018,
    VMEXIT_EXCP0 = 0x040,  ///< + the exception's vector
    VMEXIT_INTR = 0x060, VMEXIT_NMI = 0x061, VMEXIT_SMI = 0x062, VMEXIT_INIT = 0x063,
    VMEXIT_VINTR = 0x064,
    VMEXIT_RDPMC = 0x06f,
    VMEXIT_CPUID = 0x072,
    VMEXIT_IRET = 0x074,
    VMEXIT_INVD = 0x076,
    VMEXIT_PAUSE = 0x077,
    VMEXIT_HLT = 0x078,
    VMEXIT_INVLPGA = 0x07a,
    VMEXIT_IOIO = 0x07b, VMEXIT_MSR = 0x07c,
    VMEXIT_SHUTDOWN = 0x07f,
    VMEXIT_VMRUN = 0x080,
    VMEXIT_VMMCALL = 0x081,
    VMEXIT_VMLOAD = 0x082, VMEXIT_VMSAVE = 0x083,
    VMEXIT_STGI = 0x084, VMEXIT_CLGI = 0x085,
    VMEXIT_SKINIT = 0x086,
    VMEXIT_WBINVD = 0x089,
    VMEXIT_MONITOR = 0x08a, VMEXIT_MWAIT = 0x08b, VMEXIT_MWAIT_CONDITIONAL = 0x08c,
    VMEXIT_XSETBV = 0x08d,
    VMEXIT_RDPRU = 0x08e,
    VMEXIT_NPF = 0x400,
    VMEXIT_INVALID = 0xffffffff,
};

/// EXITINFO1 of VMEXIT_IOIO. Source: APM volume 2, "I/O Intercept Information".
enum IoInfo : u64 {
    IOIO_TYPE_IN = 1u << 0,
    IOIO_STR = 1u << 2,
    IOIO_REP = 1u << 3,
    IOIO_SIZE = 7u << 4,  ///< SZ8, SZ16, SZ32: the size in bytes, shifted
    IOIO_PORT_SHIFT = 16,
};

/// EXITINFO1 of VMEXIT_NPF: a page-fault error code, and two bits above it.
/// Source: APM volume 2, "Nested versus Guest Page Faults, Fault Ordering".
enum NestedFaultInfo : u64 {
    NPF_PRESENT = 1u << 0,
    NPF_WRITE = 1u << 1,
    NPF_RESERVED = 1u << 3,
    NPF_FETCH = 1u << 4,
    NPF_FINAL = 1ull << 32,
    NPF_TABLE = 1ull << 33,  ///< the access was the CPU reading the guest's own page tables
};

/// EXITINFO1 of a MOV to CR, where CPUID offers decode assists. Source: APM volume 2, "Decode
/// Assists".
enum ControlInfo : u64 {
    CR_GPR = 0xf,
    CR_DECODED = 1ull << 63,  ///< it was MOV, and the register's number is known
};

/// VirtualCpu::engine_bits.
enum EngineBits : u32 {
    NMI_BLOCKED = 1u << 0,   ///< the guest handles an NMI: its IRET exits
    NMI_RETURNING = 1u << 1, ///< that IRET has exited, and is yet to be executed
    NMI_WAITING = 1u << 2,   ///< another NMI waits for it
};

/// Makes the guest exit with `code`, or no longer: the code is the number of its bit.
inline void intercept(ControlArea& control, u32 code, bool on) {
    u32& word = control.intercepts[code / 32];
    word = on ? word | 1u << code % 32 : word & ~(1u << code % 32);
}

/// Sets in `control` all that our guests exit for. `features` are CPUID's SvmFeatureBits.
void set_intercepts(ControlArea& control, u32 features);

/// What an exit code means; `unprefixed` is the length of an instruction without prefixes.
struct Meaning {
    Kind kind = Kind::unhandled;
    u8 unprefixed = 0;
};

/// All that a guest exits for, by code, but for what the tables of the nested pages say.
inline constexpr auto meanings = [] {
    std::array<Meaning, 6 * 32> of;
    of.fill({Kind::unhandled});

    // The machine's own events: they are the host's to take
    of[VMEXIT_INTR] = {Kind::external_interrupt};
    of[VMEXIT_NMI] = of[VMEXIT_SMI] = of[VMEXIT_INIT] = {Kind::nmi};

    // What policy answers, and what ends or suspends a guest
    of[VMEXIT_CPUID] = {Kind::cpuid, 2};
    of[VMEXIT_VMMCALL] = {Kind::hypercall, 3};
    of[VMEXIT_HLT] = {Kind::halt, 1};
    of[VMEXIT_PAUSE] = {Kind::pause, 2};
    of[VMEXIT_MSR] = {Kind::read_msr, 2};
    of[VMEXIT_IOIO] = {Kind::port};
    of[VMEXIT_XSETBV] = {Kind::extended_control, 3};
    of[VMEXIT_INVD] = of[VMEXIT_WBINVD] = {Kind::cache_write_back, 2};
    of[VMEXIT_SHUTDOWN] = {Kind::shutdown};

    // The interrupt window, and the task priority that shuts it
    of[VMEXIT_VINTR] = {Kind::interrupt_window};
    of[VMEXIT_CR8_WRITE] = {Kind::control_register};

    // A machine check is the machine's, too; #DB's and #AC's delivery can raise them again for ever
    for (const u32 vector : {x86::EXCEPTION_MC, x86::EXCEPTION_DB, x86::EXCEPTION_AC})
        of[VMEXIT_EXCP0 + vector] = {Kind::exception};

    // Instructions that our guests' CPU does not have
    for (const u32 absent :
         {VMEXIT_RDPMC, VMEXIT_INVLPGA, VMEXIT_VMRUN, VMEXIT_VMLOAD, VMEXIT_VMSAVE, VMEXIT_STGI,
          VMEXIT_CLGI, VMEXIT_SKINIT, VMEXIT_MONITOR, VMEXIT_MWAIT, VMEXIT_MWAIT_CONDITIONAL,
          VMEXIT_RDPRU})
        of[absent] = {Kind::undefined};
    return of;
}();

inline Meaning meaning_of(u32 code) {
    if (code < meanings.size())
        return meanings[code];
    return {code == VMEXIT_NPF       ? Kind::nested_fault
            : code == VMEXIT_INVALID ? Kind::refused
                                     : Kind::unhandled};
}

/// The length of the instruction that exited: what the CPU says, or else `unprefixed`.
inline u8 length_of(const Vmcb& vmcb, u8 unprefixed) {
    const u64 next = vmcb.control.next_rip;
    return next ? static_cast<u8>(next - vmcb.save.rip) : unprefixed;
}

/// EXITINFO2 is the next RIP, on every CPU.
inline void port(const Vmcb& vmcb, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    exit.length = static_cast<u8>(vmcb.control.exitinfo2 - vmcb.save.rip);
    exit.port = {.number = static_cast<u16>(info >> IOIO_PORT_SHIFT),
                 .size = static_cast<u8>((info & IOIO_SIZE) >> 4),
                 .in = (info & IOIO_TYPE_IN) != 0,
                 .string = (info & IOIO_STR) != 0,
                 .repeated = (info & IOIO_REP) != 0};
}

inline void nested_fault(const Vmcb& vmcb, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    exit.fault = {.address = Gpa{vmcb.control.exitinfo2},
                  .read = !(info & (NPF_WRITE | NPF_FETCH)),
                  .write = (info & NPF_WRITE) != 0,
                  .fetch = (info & NPF_FETCH) != 0,
                  .present = (info & NPF_PRESENT) != 0,
                  .in_page_walk = (info & NPF_TABLE) != 0,
                  .misconfigured = (info & NPF_RESERVED) != 0};
}

inline void control_register(const Vmcb& vmcb, Exit& exit) {
    const u64 info = vmcb.control.exitinfo1;
    exit.length = length_of(vmcb, 0);
    exit.control = {.number = 8,
                    .decoded = exit.length > 0 && (info & CR_DECODED),
                    .gpr = static_cast<u8>(info & CR_GPR)};
}

/// A machine check is the machine's. The others go on to the guest at once: they exited only so
/// that a chain of them cannot hold this pCPU.
inline void exception(Vmcb& vmcb, Exit& exit) {
    exit.vector = static_cast<u8>(exit.raw - VMEXIT_EXCP0);
    if (exit.vector == x86::EXCEPTION_MC)
        return;
    exit.kind = Kind::resolved;
    vmcb.control.eventinj = x86::exception_event(exit.vector, exit.vector == x86::EXCEPTION_AC);
}

/// The guest is about to leave its NMI handler. It executes its IRET now; what waits behind it is
/// delivered at the exit after.
inline void nmi_return(x86::VirtualCpu& vcpu, Vmcb& vmcb, Exit& exit) {
    exit.kind = Kind::resolved;
    vcpu.engine_bits = (vcpu.engine_bits & ~NMI_BLOCKED) | NMI_RETURNING;
    intercept(vmcb.control, VMEXIT_IRET, false);
}

/// An event whose delivery the exit cut short is delivered at the next entry; but INT n, INT3 and
/// INTO are instructions, which the guest simply executes again. Low bits may be stale: only
/// x86::EVENT_VALID says that there is one.
inline void queue_again(ControlArea& control) {
    const u64 event = control.exitintinfo;
    const u64 vector = event & x86::EVENT_VECTOR;
    const bool instruction_again =
        (event & x86::EVENT_TYPE) == x86::EVENT_SOFTWARE_INTERRUPT ||
        ((event & x86::EVENT_TYPE) == x86::EVENT_EXCEPTION &&
         (vector == x86::EXCEPTION_BP || vector == x86::EXCEPTION_OF));
    if (!instruction_again)
        control.eventinj = event;
}

/// QEMU drops an interrupt shadow when it enters (STI's, mostly). A guest that an interrupt found
/// where it had entered in one is in it still: delivered now, before the HLT that mostly follows,
/// the interrupt would not end that HLT.
inline void keep_shadow(x86::VirtualCpu& vcpu, Vmcb& vmcb) {
    if (vmcb.control.interrupt_shadow & INTERRUPT_SHADOW)
        vcpu.shadowed_at = vmcb.save.rip;
    else if (vcpu.shadowed_at == vmcb.save.rip)
        vmcb.control.interrupt_shadow |= INTERRUPT_SHADOW;
    else
        vcpu.shadowed_at = 0;
}

/// Fills `exit` from what the CPU left in `vmcb`, and queues again there what the exit cut short.
/// Within the engine's way out of a guest, where it is the one caller.
[[gnu::always_inline]] inline void decode(x86::VirtualCpu& vcpu, Vmcb& vmcb, Exit& exit) {
    const u32 code = static_cast<u32>(vmcb.control.exitcode);
    const Meaning meaning = meaning_of(code);
    exit.raw = code;
    exit.kind = meaning.kind;
    exit.length = meaning.unprefixed ? length_of(vmcb, meaning.unprefixed) : 0;
    exit.qualification = vmcb.control.exitinfo1;
    if (vmcb.control.exitintinfo & x86::EVENT_VALID) [[unlikely]]
        queue_again(vmcb.control);

    switch (meaning.kind) {
    case Kind::hypercall:
        exit.long_mode =
            (vmcb.save.efer & x86::EFER_LMA) && (vmcb.save.cs.attributes & SEGMENT_LONG);
        exit.privilege = vmcb.save.cpl;
        return;
    case Kind::read_msr:
        if (vmcb.control.exitinfo1)
            exit.kind = Kind::write_msr;
        return;
    case Kind::port: return port(vmcb, exit);
    case Kind::nested_fault: return nested_fault(vmcb, exit);
    case Kind::control_register: return control_register(vmcb, exit);
    case Kind::exception: return exception(vmcb, exit);
    case Kind::interrupt_window:
        vmcb.control.v_irq = 0;
        return keep_shadow(vcpu, vmcb);
    case Kind::external_interrupt: return keep_shadow(vcpu, vmcb);
    default: break;
    }
    if (code == VMEXIT_IRET)
        nmi_return(vcpu, vmcb, exit);
}

}  // namespace hv::svm

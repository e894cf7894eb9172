// What a guest exits for, by the manual's names, and from such an exit to the neutral one.
#pragma once

#include <svm/vmcb.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

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

/// Fills `exit` from what the CPU left in `vmcb`, and queues again there what the exit cut short.
void decode(x86::VirtualCpu& vcpu, Vmcb& vmcb, x86::Exit& exit);

}  // namespace hv::svm

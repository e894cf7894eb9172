// What a processor is at one instant: general registers, and the state that engines load and save.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// The general registers that a world switch moves by hand. RSP, RIP and RFLAGS are in the engine's
/// control block. The order is the encoding of registers in instructions, so that a decoder can
/// index it; slot 4 (RSP) is unused here.
struct GeneralRegisters {
    u64 rax = 0, rcx = 0, rdx = 0, rbx = 0, rsp_unused = 0, rbp = 0, rsi = 0, rdi = 0;
    u64 r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;

    u64& operator[](unsigned index) { return (&rax)[index]; }
    u64 operator[](unsigned index) const { return (&rax)[index]; }
};
static_assert(sizeof(GeneralRegisters) == 16 * 8);

/// One segment register with its hidden part. `attributes` are in VMX's layout (type in bits 3:0,
/// S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16); SVM's packed form is its own
/// affair.
struct Segment {
    u16 selector = 0;
    u32 attributes = 0x10000;
    u32 limit = 0;
    u64 base = 0;

    constexpr bool long_code() const { return attributes & (1 << 13); }
    constexpr bool big() const { return attributes & (1 << 14); }
    constexpr unsigned privilege() const { return attributes >> 5 & 3; }
};

struct DescriptorTable {
    u64 base = 0;
    u32 limit = 0;
};

/// The part of a vCPU's state that lives in its engine's control block or in MSRs switched with it.
struct CpuState {
    u64 rip = 0, rsp = 0, rflags = 2;
    u64 cr0 = 0x10, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0;
    Segment cs, ds, es, fs, gs, ss, tr, ldtr;
    DescriptorTable gdtr, idtr;
    u64 dr6 = 0xffff0ff0, dr7 = 0x400;
    u64 star = 0, lstar = 0, cstar = 0, syscall_mask = 0, kernel_gs_base = 0;
    u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    u64 pat = 0x0007040600070406;
};

/// What decides how a guest's virtual addresses are read: see x86/guest_walk.hpp.
struct PagingState {
    u64 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
    unsigned privilege = 0;      ///< current privilege level, 0 to 3
    bool alignment_check = false; ///< RFLAGS.AC, which lifts SMAP
};

}  // namespace hv::x86

// The virtual machine control block, field by field as AMD's manual lays it out, and the neutral
// form of the registers in it.
#pragma once

#include <base/result.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

/// The first half: what to intercept, and what passes between the hypervisor and the CPU at each
/// entry and exit. Source: AMD64 APM volume 2, Appendix B, "VMCB Layout, Control Area".
struct ControlArea {
    u32 intercepts[6];                            ///< bit n: exit with the ExitCode n
    u8 reserved_018[0x3c - 0x18];
    u16 pause_filter_threshold, pause_filter_count;
    u64 iopm_base_pa;                             ///< I/O permission map: 12 KiB
    u64 msrpm_base_pa;                            ///< MSR permission map: 8 KiB
    u64 tsc_offset;
    u32 guest_asid;
    u8 tlb_control;                               ///< TlbControl
    u8 reserved_05d[3];
    u8 v_tpr;                                     ///< bits 3:0, what the guest reads in CR8
    u8 v_irq;                                     ///< bit 0 V_IRQ, bit 1 VGIF
    u8 v_intr_priority;                           ///< bits 3:0 V_INTR_PRIO, bit 4 V_IGN_TPR
    u8 v_intr_masking;                            ///< bit 0: RFLAGS.IF and CR8 are the guest's own
    u8 v_intr_vector;
    u8 reserved_065[3];
    u64 interrupt_shadow;                         ///< bit 0
    u64 exitcode, exitinfo1, exitinfo2;
    u64 exitintinfo;                              ///< an event whose delivery the exit cut short
    u64 nested_enable;                            ///< bit 0: NP_ENABLE
    u8 reserved_098[0xa8 - 0x98];
    u64 eventinj;                                 ///< an event to deliver at the entry
    u64 n_cr3;                                    ///< the root of the nested tables
    u64 lbr_enable;
    u32 clean_bits;                               ///< 0: the CPU reads every field again
    u32 reserved_0c4;
    u64 next_rip;                                 ///< where the CPU saves it; 0 elsewhere
    u8 bytes_fetched;
    u8 instruction_bytes[15];
    u8 reserved_0e0[0x400 - 0xe0];
};

/// A segment register as the VMCB packs it: the attributes are 12 bits, without the manual's gap
/// between the descriptor's two bytes.
struct PackedSegment {
    u16 selector;
    u16 attributes;  ///< type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11
    u32 limit;
    u64 base;
};

enum SegmentBits : u16 {
    SEGMENT_PRESENT = 1u << 7,
    SEGMENT_LONG = 1u << 9,
};

/// The second half: the guest's own registers.
/// Source: AMD64 APM volume 2, Appendix B, "VMCB Layout, State Save Area".
struct SaveArea {
    PackedSegment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    u8 reserved_0a0[0xcb - 0xa0];
    u8 cpl;
    u32 reserved_0cc;
    u64 efer;
    u8 reserved_0d8[0x148 - 0xd8];
    u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
    u8 reserved_180[0x1d8 - 0x180];
    u64 rsp, s_cet, ssp, isst_addr, rax;
    u64 star, lstar, cstar, sfmask, kernel_gs_base;
    u64 sysenter_cs, sysenter_esp, sysenter_eip;
    u64 cr2;
    u8 reserved_248[0x268 - 0x248];
    u64 g_pat, dbgctl, br_from, br_to, last_excp_from, last_excp_to;
    u8 reserved_298[0xc00 - 0x298];
};

struct Vmcb {
    ControlArea control;
    SaveArea save;
};

// A field that were missing, or too many, would move all that follow it
static_assert(offsetof(ControlArea, exitcode) == 0x070);
static_assert(offsetof(ControlArea, instruction_bytes) == 0x0d1);
static_assert(offsetof(SaveArea, efer) == 0x0d0);
static_assert(offsetof(SaveArea, g_pat) == 0x268);
static_assert(offsetof(Vmcb, save) == 0x400 && sizeof(Vmcb) == page_size);

/// ControlArea::tlb_control. Source: APM volume 2, "TLB Flush".
enum TlbControl : u8 {
    TLB_KEEP = 0,
    TLB_FLUSH_ALL = 1,   ///< every ASID's translations, the host's too
};

/// v_irq, v_intr_priority, v_intr_masking, nested_enable, interrupt_shadow.
enum ControlBits : u8 {
    V_IRQ = 1 << 0,
    V_IGN_TPR = 1 << 4,
    V_INTR_MASKING = 1 << 0,
    NP_ENABLE = 1 << 0,
    INTERRUPT_SHADOW = 1 << 0,
};

// Between the neutral form and the VMCB's

PackedSegment pack(const x86::Segment& segment);
x86::Segment unpack(const PackedSegment& packed);

void read_state(const SaveArea& save, x86::CpuState& state);

/// XEN_EINVAL, with nothing changed, when no CPU could be in that state.
Result<> write_state(SaveArea& save, const x86::CpuState& state);

inline x86::PagingState paging_state(const SaveArea& save) {
    return {save.cr0, save.cr3, save.cr4, save.efer, save.cpl, save.rflags};
}

/// EFER and PAT, which exit though they live in the VMCB; XEN_ENOENT when `msr` is neither.
Result<u64> read_msr(const SaveArea& save, u32 msr);
/// XEN_EINVAL: the CPU would raise #GP.
Result<> write_msr(SaveArea& save, u32 msr, u64 value);

/// A CPU as it comes out of reset. Source: AMD64 APM volume 2, "Processor Initialization State".
x86::CpuState reset_state();

}  // namespace hv::svm

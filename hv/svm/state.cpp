// Reading and writing a guest's registers in its VMCB.
#include <svm/state.hpp>
#include <x86/bits.hpp>

namespace hv::svm {
namespace {

using x86::CpuState;
using x86::Segment;

constexpr u32 attribute_unusable = 1u << 16;

// EFER as the CPU keeps it: SVME always, LMA exactly when long mode is on and paging is.
u64 efer_with_mode(u64 efer, u64 cr0) {
    efer = (efer & ~static_cast<u64>(x86::EFER_LMA)) | x86::EFER_SVME;
    return (efer & x86::EFER_LME) && (cr0 & x86::CR0_PG) ? efer | x86::EFER_LMA : efer;
}

u8 privilege_of(const CpuState& state) {
    if (!(state.cr0 & x86::CR0_PE))
        return 0;
    return state.rflags & x86::RFLAGS_VM ? 3 : static_cast<u8>(state.ss.privilege());
}

// What the entry checks: AMD64 APM volume 2, "Canonicalization and Consistency Checks".
bool consistent(const CpuState& state) {
    const bool paging = state.cr0 & x86::CR0_PG;
    const bool long_mode = paging && (state.efer & x86::EFER_LME);
    if ((state.cr0 >> 32) || (state.cr4 >> 32) || (state.dr6 >> 32) || (state.dr7 >> 32))
        return false;
    if ((state.cr0 & x86::CR0_NW) && !(state.cr0 & x86::CR0_CD))
        return false;
    if (paging && !(state.cr0 & x86::CR0_PE))
        return false;
    if (long_mode && !(state.cr4 & x86::CR4_PAE))
        return false;
    return !(long_mode && state.cs.long_code() && state.cs.big());
}

PackedSegment pack(const x86::DescriptorTable& table) {
    return {.selector = 0, .attributes = 0, .limit = table.limit, .base = table.base};
}

}  // namespace

PackedSegment pack(const Segment& segment) {
    u32 attributes = (segment.attributes & 0xff) | (segment.attributes >> 4 & 0xf00);
    if (segment.attributes & attribute_unusable)
        attributes &= ~static_cast<u32>(SEGMENT_PRESENT);
    return {.selector = segment.selector,
            .attributes = static_cast<u16>(attributes),
            .limit = segment.limit,
            .base = segment.base};
}

Segment unpack(const PackedSegment& packed) {
    u32 attributes = (packed.attributes & 0xffu) | (packed.attributes & 0xf00u) << 4;
    if (!(packed.attributes & SEGMENT_PRESENT))
        attributes |= attribute_unusable;
    return {.selector = packed.selector,
            .attributes = attributes,
            .limit = packed.limit,
            .base = packed.base};
}

void read_state(const SaveArea& save, CpuState& state) {
    state.rip = save.rip;
    state.rsp = save.rsp;
    state.rflags = save.rflags;
    state.cr0 = save.cr0;
    state.cr2 = save.cr2;
    state.cr3 = save.cr3;
    state.cr4 = save.cr4;
    state.efer = save.efer & ~static_cast<u64>(x86::EFER_SVME);
    state.cs = unpack(save.cs);
    state.ds = unpack(save.ds);
    state.es = unpack(save.es);
    state.fs = unpack(save.fs);
    state.gs = unpack(save.gs);
    state.ss = unpack(save.ss);
    state.tr = unpack(save.tr);
    state.ldtr = unpack(save.ldtr);
    state.gdtr = {.base = save.gdtr.base, .limit = save.gdtr.limit};
    state.idtr = {.base = save.idtr.base, .limit = save.idtr.limit};
    state.dr6 = save.dr6;
    state.dr7 = save.dr7;
    state.star = save.star;
    state.lstar = save.lstar;
    state.cstar = save.cstar;
    state.syscall_mask = save.sfmask;
    state.kernel_gs_base = save.kernel_gs_base;
    state.sysenter_cs = save.sysenter_cs;
    state.sysenter_esp = save.sysenter_esp;
    state.sysenter_eip = save.sysenter_eip;
    state.pat = save.g_pat;

    // SS's DPL is the privilege level for everyone else; this CPU keeps that level on its own
    state.ss.attributes = (state.ss.attributes & ~(3u << 5)) | static_cast<u32>(save.cpl) << 5;
}

Result<> write_state(SaveArea& save, const CpuState& state) {
    if (!consistent(state))
        return Error{XEN_EINVAL};
    save.rip = state.rip;
    save.rsp = state.rsp;
    save.rflags = state.rflags | x86::RFLAGS_FIXED;
    save.cr0 = state.cr0;
    save.cr2 = state.cr2;
    save.cr3 = state.cr3;
    save.cr4 = state.cr4;
    save.efer = efer_with_mode(state.efer, state.cr0);
    save.cs = pack(state.cs);
    save.ds = pack(state.ds);
    save.es = pack(state.es);
    save.fs = pack(state.fs);
    save.gs = pack(state.gs);
    save.ss = pack(state.ss);
    save.tr = pack(state.tr);
    save.ldtr = pack(state.ldtr);
    save.gdtr = pack(state.gdtr);
    save.idtr = pack(state.idtr);
    save.cpl = privilege_of(state);
    save.dr6 = state.dr6;
    save.dr7 = state.dr7;
    save.star = state.star;
    save.lstar = state.lstar;
    save.cstar = state.cstar;
    save.sfmask = state.syscall_mask;
    save.kernel_gs_base = state.kernel_gs_base;
    save.sysenter_cs = state.sysenter_cs;
    save.sysenter_esp = state.sysenter_esp;
    save.sysenter_eip = state.sysenter_eip;
    save.g_pat = state.pat;
    return {};
}

x86::PagingState paging_state(const SaveArea& save) {
    return {.cr0 = save.cr0,
            .cr3 = save.cr3,
            .cr4 = save.cr4,
            .efer = save.efer,
            .privilege = save.cpl,
            .alignment_check = (save.rflags & x86::RFLAGS_AC) != 0};
}

CpuState reset_state() {
    const Segment data{.attributes = 0x93, .limit = 0xffff};
    CpuState state;
    state.rip = 0xfff0;
    state.cs = {.selector = 0xf000, .attributes = 0x9b, .limit = 0xffff, .base = 0xffff0000};
    state.ds = state.es = state.fs = state.gs = state.ss = data;
    state.tr = {.attributes = 0x8b, .limit = 0xffff};
    state.ldtr = {.attributes = 0x82, .limit = 0xffff};
    state.gdtr = state.idtr = {.limit = 0xffff};
    return state;
}

}  // namespace hv::svm

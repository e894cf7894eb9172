// Reading and writing a guest's registers in its VMCB.
#include <svm/vmcb.hpp>
#include <x86/bits.hpp>
#include <x86/msr.hpp>

namespace hv::svm {
namespace {

using x86::CpuState;
using x86::Segment;

constexpr u32 attribute_unusable = 1u << 16;
constexpr u64 guest_efer_bits =
    x86::EFER_SCE | x86::EFER_LME | x86::EFER_LMA | x86::EFER_NXE | x86::EFER_FFXSR;

/// Where the same thing is in a VMCB and in a CpuState.
template <class There, class Here>
struct Place {
    There SaveArea::*there;
    Here CpuState::*here;
};

/// What both hold alike.
constexpr Place<u64, u64> alike[] = {
    {&SaveArea::rip, &CpuState::rip},
    {&SaveArea::rsp, &CpuState::rsp},
    {&SaveArea::rflags, &CpuState::rflags},
    {&SaveArea::cr0, &CpuState::cr0},
    {&SaveArea::cr2, &CpuState::cr2},
    {&SaveArea::cr3, &CpuState::cr3},
    {&SaveArea::cr4, &CpuState::cr4},
    {&SaveArea::efer, &CpuState::efer},
    {&SaveArea::dr6, &CpuState::dr6},
    {&SaveArea::dr7, &CpuState::dr7},
    {&SaveArea::star, &CpuState::star},
    {&SaveArea::lstar, &CpuState::lstar},
    {&SaveArea::cstar, &CpuState::cstar},
    {&SaveArea::sfmask, &CpuState::syscall_mask},
    {&SaveArea::kernel_gs_base, &CpuState::kernel_gs_base},
    {&SaveArea::sysenter_cs, &CpuState::sysenter_cs},
    {&SaveArea::sysenter_esp, &CpuState::sysenter_esp},
    {&SaveArea::sysenter_eip, &CpuState::sysenter_eip},
    {&SaveArea::g_pat, &CpuState::pat},
};

/// The same in two spellings.
constexpr Place<PackedSegment, Segment> segments[] = {
    {&SaveArea::es, &CpuState::es}, {&SaveArea::cs, &CpuState::cs},
    {&SaveArea::ss, &CpuState::ss}, {&SaveArea::ds, &CpuState::ds},
    {&SaveArea::fs, &CpuState::fs}, {&SaveArea::gs, &CpuState::gs},
    {&SaveArea::tr, &CpuState::tr}, {&SaveArea::ldtr, &CpuState::ldtr},
};
constexpr Place<PackedSegment, x86::DescriptorTable> tables[] = {
    {&SaveArea::gdtr, &CpuState::gdtr}, {&SaveArea::idtr, &CpuState::idtr}};

// EFER as the CPU keeps it: SVME always, LMA exactly when long mode is on and paging is.
u64 efer_with_mode(u64 efer, u64 cr0) {
    efer = (efer & ~static_cast<u64>(x86::EFER_LMA)) | x86::EFER_SVME;
    return (efer & x86::EFER_LME) && (cr0 & x86::CR0_PG) ? efer | x86::EFER_LMA : efer;
}

// Eight memory types of a byte each: 2, 3 and 8 up are reserved
bool valid_pat(u64 value) {
    for (; value; value >>= 8)
        if ((value & 0xff) > 7 || (value & 0xfe) == 2)
            return false;
    return true;
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
    for (const auto& [from, to] : alike)
        state.*to = save.*from;
    for (const auto& [from, to] : segments)
        state.*to = unpack(save.*from);
    for (const auto& [from, to] : tables)
        state.*to = {.base = (save.*from).base, .limit = (save.*from).limit};
    state.efer &= ~static_cast<u64>(x86::EFER_SVME);

    // SS's DPL is the privilege level for everyone else; this CPU keeps that level on its own
    state.ss.attributes = (state.ss.attributes & ~(3u << 5)) | static_cast<u32>(save.cpl) << 5;
}

Result<> write_state(SaveArea& save, const CpuState& state) {
    if (!consistent(state))
        return Error{XEN_EINVAL};
    for (const auto& [to, from] : alike)
        save.*to = state.*from;
    for (const auto& [to, from] : segments)
        save.*to = pack(state.*from);
    for (const auto& [to, from] : tables)
        save.*to = {0, 0, (state.*from).limit, (state.*from).base};
    save.rflags |= x86::RFLAGS_FIXED;
    save.efer = efer_with_mode(state.efer, state.cr0);
    save.cpl = privilege_of(state);
    return {};
}

Result<u64> read_msr(const SaveArea& save, u32 msr) {
    switch (msr) {
    case x86::IA32_EFER: return save.efer & ~static_cast<u64>(x86::EFER_SVME);
    case x86::IA32_PAT: return save.g_pat;
    default: return Error{XEN_ENOENT};
    }
}

Result<> write_msr(SaveArea& save, u32 msr, u64 value) {
    switch (msr) {
    case x86::IA32_EFER:
        // LME stands still while paging is on
        if ((value & ~guest_efer_bits) ||
            ((value ^ save.efer) & x86::EFER_LME && save.cr0 & x86::CR0_PG))
            return Error{XEN_EINVAL};
        save.efer = efer_with_mode(value, save.cr0);
        return {};
    case x86::IA32_PAT:
        if (!valid_pat(value))
            return Error{XEN_EINVAL};
        save.g_pat = value;
        return {};
    default: return Error{XEN_ENOENT};
    }
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

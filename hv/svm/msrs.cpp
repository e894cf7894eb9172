// The MSRs whose guest's value lies in the VMCB, for whoever reads or writes them from outside.
#include <svm/intercepts.hpp>
#include <svm/state.hpp>
#include <x86/bits.hpp>

namespace hv::svm {
namespace {

constexpr u64 guest_efer_bits =
    x86::EFER_SCE | x86::EFER_LME | x86::EFER_LMA | x86::EFER_NXE | x86::EFER_FFXSR;

const SwitchedMsr* find(u32 msr) {
    for (const SwitchedMsr& switched : switched_msrs)
        if (switched.msr == msr)
            return &switched;
    return nullptr;
}

u64& field(Vmcb& vmcb, const SwitchedMsr& switched) {
    return *reinterpret_cast<u64*>(reinterpret_cast<u8*>(&vmcb) + switched.offset);
}

bool canonical(u64 address) {
    return static_cast<s64>(address << 16) >> 16 == static_cast<s64>(address);
}

// All but these three hold addresses
bool holds_address(u32 msr) {
    return msr != x86::IA32_STAR && msr != x86::IA32_FMASK && msr != x86::IA32_SYSENTER_CS;
}

// Eight memory types of a byte each: 2, 3 and 8 up are reserved
bool valid_pat(u64 value) {
    for (; value; value >>= 8)
        if ((value & 0xff) > 7 || (value & 0xfe) == 2)
            return false;
    return true;
}

// LMA is the CPU's to change, and LME stands still while paging is on
Result<> write_efer(SaveArea& save, u64 value) {
    const u64 changed = value ^ save.efer;
    if (value & ~guest_efer_bits)
        return Error{XEN_EINVAL};
    if ((changed & x86::EFER_LME) && (save.cr0 & x86::CR0_PG))
        return Error{XEN_EINVAL};
    save.efer = (value & ~static_cast<u64>(x86::EFER_LMA)) | x86::EFER_SVME |
                (save.efer & x86::EFER_LMA);
    return {};
}

}  // namespace

Result<u64> read_msr(const Vmcb& vmcb, u32 msr) {
    if (msr == x86::IA32_EFER)
        return vmcb.save.efer & ~static_cast<u64>(x86::EFER_SVME);
    if (msr == x86::IA32_PAT)
        return vmcb.save.g_pat;
    if (const SwitchedMsr* switched = find(msr))
        return field(const_cast<Vmcb&>(vmcb), *switched);
    return Error{XEN_ENOENT};
}

Result<> write_msr(Vmcb& vmcb, u32 msr, u64 value) {
    if (msr == x86::IA32_EFER)
        return write_efer(vmcb.save, value);
    if (msr == x86::IA32_PAT) {
        if (!valid_pat(value))
            return Error{XEN_EINVAL};
        vmcb.save.g_pat = value;
        return {};
    }
    const SwitchedMsr* switched = find(msr);
    if (!switched)
        return Error{XEN_ENOENT};
    if (holds_address(msr) && !canonical(value))
        return Error{XEN_EINVAL};
    field(vmcb, *switched) = value;
    return {};
}

}  // namespace hv::svm

// The CPU as a domain sees it: one table of CPUID leaves, made once, looked up at each exit.
#pragma once

#include <base/result.hpp>
#include <x86/privileged.hpp>

namespace hv {

struct Machine;
struct Domain;
struct Vcpu;
using x86::CpuidLeaf;

/// One CPUID table per domain: the host's at creation, less what the hypervisor cannot keep. Lookup
/// is by index: an exit computes nothing that could have been computed here.
class CpuPolicy {
public:
    static constexpr u32 basic_leaves = 0xe;        ///< 0 to 0xd
    static constexpr u32 extended_leaves = 0x9;     ///< 0x80000000 to 0x80000008
    static constexpr u32 xen_leaves = 6;            ///< 0x40000000 to 0x40000005
    static constexpr u32 subleaves = 0x40;          ///< of leaf 0xd
    static constexpr u32 cache_subleaves = 8;       ///< of leaf 4

    /// The default: the host's leaves without VMX, SVM, MONITOR, LA57 and whatever else needs what
    /// we do not switch; plus Xen's own at 0x40000000.
    void make_default(Machine& machine, Domain& domain);
    /// What CPUID answers on `vcpu` now. APIC id, OSXSAVE and XSAVE's size are the vCPU's own.
    CpuidLeaf look_up(const Vcpu& vcpu, u32 leaf, u32 subleaf) const;

    /// The XSAVE states that a guest may switch on.
    u64 xcr0_mask() const { return u64{xstate_[0].edx} << 32 | xstate_[0].eax; }

private:
    void take_basic();
    void take_xstate();
    void take_extended();
    void make_xen_leaves(Machine& machine, const Domain& domain);
    /// XSAVE's standard format has each state at a fixed place, XSAVEC's compacted one has them one
    /// after the other, some aligned to 64 bytes.
    enum class XsaveFormat : u8 { standard, compacted };
    u32 xsave_bytes(u64 xcr0, XsaveFormat format) const;
    CpuidLeaf per_vcpu(const Vcpu& vcpu, u32 leaf, u32 subleaf) const;

    CpuidLeaf basic_[basic_leaves]{}, extended_[extended_leaves]{}, xen_[xen_leaves]{};
    CpuidLeaf cache_[cache_subleaves]{}, xstate_[subleaves]{}, xen_time_[3]{};
};

}  // namespace hv

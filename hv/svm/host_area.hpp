// What one pCPU keeps for SVM: its maps, and the identifiers by which it tells its guests apart.
#pragma once

#include <svm/controls.hpp>
#include <svm/vmcb.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

/// The ASIDs of one pCPU. They are handed out in order; an ASID that was handed out is never used
/// again in its generation, so a vCPU forgets its translations by taking the next one. When they
/// run out, a new generation begins: the whole TLB is flushed, and everyone's tag is stale.
class AsidPool {
public:
    AsidPool() = default;
    /// `count` ASIDs, of which 0 is the host's. The pool starts as if used up: what stood in the
    /// TLB before is flushed at the first entry.
    AsidPool(u16 cpu, u32 count) : count_{count}, next_{count}, generation_{(u64{cpu} << 48) + 1} {}

    /// True when `vcpu` may come with the ASID that it has. A generation is one pCPU's alone: who
    /// comes from another pCPU is stale here.
    bool fresh(const x86::VirtualCpu& vcpu) const { return vcpu.tag_generation == generation_; }

    /// Gives `vcpu` an ASID under which no translation is cached, and says in `control` what the
    /// CPU must flush at the entry for that to be true.
    void renew(x86::VirtualCpu& vcpu, ControlArea& control) {
        control.tlb_control = TLB_KEEP;
        if (next_ == count_) {
            next_ = 1;
            ++generation_;
            control.tlb_control = TLB_FLUSH_ALL;
        }
        vcpu.tag = next_++;
        vcpu.tag_generation = generation_;
        control.guest_asid = vcpu.tag;
        control.n_cr3 = vcpu.nested_root;
    }

private:
    u32 count_ = 0, next_ = 0;
    u64 generation_ = 0;  ///< no two pCPUs have one in common; 0 is that of a vCPU never entered
};

/// One pCPU's area. The two maps are the same for every guest and every pCPU, and are never given
/// back while the machine runs: a VMCB that was made here may use them anywhere.
struct HostArea : x86::EngineArea {
    AsidPool asids;
    u32 features;  ///< SvmFeatureBits
    /// VM_HSAVE_PA: the CPU's own, in a form that it does not tell.
    alignas(page_size) u8 hsave[page_size];
    Vmcb host;     ///< the host's FS, GS, TR, LDTR and system-call MSRs
    u8 io_map[io_map_bytes];
    u8 msr_map[msr_map_bytes];
};

inline constexpr u8 host_area_order = 3;
static_assert(sizeof(HostArea) == page_size << host_area_order);

}  // namespace hv::svm

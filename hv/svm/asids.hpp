// Address-space identifiers: how one pCPU tells the translations of its guests apart in its TLB.
#pragma once

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
    AsidPool(u16 cpu, u32 count) : count_{count}, next_{count}, generation_{first_of(cpu)} {}

    /// True when `vcpu` may enter with the ASID that it has. A generation is one pCPU's alone: a
    /// vCPU that comes from another pCPU is stale here.
    bool fresh(const x86::VirtualCpu& vcpu) const {
        return vcpu.tag_generation == generation_ && !vcpu.flush_translations;
    }

    /// Gives `vcpu` an ASID under which no translation is cached, and says in `control` what the
    /// CPU must flush at the entry for that to be true.
    void renew(x86::VirtualCpu& vcpu, ControlArea& control);

private:
    static constexpr u32 generations_per_cpu = 1u << 24;
    static constexpr u32 first_of(u16 cpu) { return cpu * generations_per_cpu + 1; }
    void begin_generation();

    u32 count_ = 0;
    u32 next_ = 0;
    u32 generation_ = 0;
};

}  // namespace hv::svm

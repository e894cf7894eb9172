// Handing out address-space identifiers, and flushing when they run out.
#include <svm/asids.hpp>

namespace hv::svm {

void AsidPool::renew(x86::VirtualCpu& vcpu, ControlArea& control) {
    control.tlb_control = TLB_KEEP;
    if (next_ == count_) {
        begin_generation();
        control.tlb_control = TLB_FLUSH_ALL;
    }
    vcpu.tag = next_++;
    vcpu.tag_generation = generation_;
    vcpu.flush_translations = false;
    control.guest_asid = vcpu.tag;
    control.n_cr3 = vcpu.nested_root;
}

// After 2^24 generations the count starts over within its pCPU's range; 0 means "never entered".
void AsidPool::begin_generation() {
    next_ = 1;
    ++generation_;
    if (generation_ % generations_per_cpu == 0)
        generation_ -= generations_per_cpu - 1;
}

}  // namespace hv::svm

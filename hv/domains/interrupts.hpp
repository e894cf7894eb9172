// What a vCPU could take next: its event upcall, or its local APIC's highest vector.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// True while the guest's own flag says that events wait and a callback vector was asked for
/// (HVM_PARAM_CALLBACK_IRQ): this upcall is level-triggered and passes the local APIC by.
inline bool upcall_waits(const Vcpu& vcpu) {
    return vcpu.domain.callback_vector != 0 && vcpu.info != nullptr &&
           __atomic_load_n(&vcpu.info->evtchn_upcall_pending, __ATOMIC_ACQUIRE) != 0;
}

/// The vector to deliver next, or -1.
inline int next_vector(const Vcpu& vcpu) {
    return upcall_waits(vcpu) ? vcpu.domain.callback_vector : vcpu.apic.deliverable();
}

/// True when a blocked vCPU should wake: something waits for it.
inline bool has_something_to_take(const Vcpu& vcpu) {
    return (vcpu.attention.load(std::memory_order_seq_cst) & attention_nmi) != 0 ||
           next_vector(vcpu) >= 0;
}

}  // namespace hv

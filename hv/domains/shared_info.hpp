// What a guest and the hypervisor share, in the layout of the guest's word size: events, and time.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// Lets `vcpu` use the vcpu_info in its domain's shared_info, 64 bytes at its number, and lets go
/// of the frame that it moved to. Called when the vCPU is made, and when its domain is taken apart.
void attach_vcpu_info(Vcpu& vcpu);

/// Moves `vcpu`'s vcpu_info to `offset` in the guest frame `gfn`, with what it held; every event is
/// then said to be pending, so that none is lost (VCPUOP_register_vcpu_info). Once for each vCPU.
/// XEN_ENXIO: it would cross a page, or is not aligned; XEN_EINVAL: twice, not RAM, or a vCPU that
/// runs.
Result<> move_vcpu_info(Vcpu& vcpu, const Vcpu& caller, Gfn gfn, u32 offset);

/// The layout follows the mode of the guest that sets up its hypercall page or its callback, as on
/// Xen; what was written in the other layout is written again.
void latch_width(Domain& domain, bool wide);

/// Writes the wall clock: the Unix time at system time 0, by the version protocol.
void show_wall_clock(Domain& domain);

/// Writes the time into the vCPU's vcpu_info by the version protocol (odd while being written), and
/// into the second copy that it registered. On the pCPU where `vcpu` is, or while it stands still.
void show_time(Vcpu& vcpu);

/// A vCPU begins a turn on this pCPU: it is shown its own account, and the time where that is due.
void runstate_changed(Vcpu& vcpu);

/// The vCPU's account as of now: the state that it is in has grown since it was entered.
vcpu_runstate_info_t runstate_now(const Vcpu& vcpu);

/// Writes `account` to the guest virtual `address` in the layout for `wide`. XEN_EFAULT.
Result<> write_runstate(Vcpu& vcpu, u64 address, const vcpu_runstate_info_t& account, bool wide);

/// Where the two-level event channel bits are, as words of 64 or of 32 bits.
struct EventWords {
    u8* pending;
    u8* mask;
    unsigned bits_per_word;
};
EventWords event_words(Domain& domain);

/// vcpu_info's selector: one bit for each word of pending events. Its place depends on the layout.
u8* pending_selector(Vcpu& vcpu);

}  // namespace hv

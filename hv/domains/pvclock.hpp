// Time as a guest reads it without asking: the scale of the TSC, and its own account of running.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// What a vCPU on a pCPU with TSC skew `skew` is to be shown now: system time, the guest's TSC at
/// that moment, and the scale between them. System time is the machine's: it runs on in a pause.
vcpu_time_info_t time_now(const Vcpu& vcpu, s64 skew);

/// Writes that into the vCPU's vcpu_info by the version protocol (odd while being written), and
/// into the second copy that it registered. On the pCPU where `vcpu` is, or while it stands still.
void show_time(Vcpu& vcpu);

/// The vCPU's account as of now: the state that it is in has grown since it was entered.
vcpu_runstate_info_t runstate_now(const Vcpu& vcpu);

/// Copies the account to where the vCPU registered it, in its domain's layout. On its own pCPU: the
/// address is virtual. An address that is no memory any more is passed over, as on Xen.
void show_runstate(Vcpu& vcpu);

/// Writes `account` to the guest virtual `address` in the layout for `wide`. XEN_EFAULT.
Result<> write_runstate(Vcpu& vcpu, u64 address, const vcpu_runstate_info_t& account, bool wide);

}  // namespace hv

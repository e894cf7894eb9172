// Which MSRs a guest may touch without an exit.
#pragma once

#include <base/types.hpp>
#include <span>

namespace hv::vmx {

/// Fills an MSR bitmap (Intel SDM, "MSR-Bitmap Address"): every access exits but those to MSRs that
/// the VMCS, or the switch between vCPUs, keeps for each guest. With `virtual_apic`, also those
/// x2APIC registers pass that the CPU keeps true in the page by itself.
void fill_msr_bitmap(std::span<u8, page_size> bitmap, bool virtual_apic);

}  // namespace hv::vmx

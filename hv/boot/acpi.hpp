// ACPI: finding its tables, and reading the few facts that the hypervisor needs of them.
#pragma once

#include <boot/facts.hpp>
#include <boot/frames.hpp>

namespace hv::boot {

/// Reads processors (MADT), power-off, reset and the PM timer (FADT, and `_S5_` in the DSDT) into
/// `facts`. Starts at facts.rsdp, or scans the BIOS area when that is 0. Tables are hostile: each
/// is bounded by `memory` and checksummed before it is used; one that is wrong is as if it were
/// absent. `own_apic_id` is the boot pCPU's, which comes first in facts.apic_ids whatever the order
/// there.
/// XEN_ENOENT when there is no ACPI: then the boot pCPU is the only one known.
Result<> read_acpi(const PhysicalMemory& memory, u32 own_apic_id, MachineFacts& facts);

/// Looks for the package of `_S5_` in AML and reads its first two numbers: SLP_TYPa and SLP_TYPb.
/// A scan, not an interpreter: it believes only the plain form NameOp "_S5_" PackageOp.
/// XEN_ENOENT when it is not there.
struct SleepTypes {
    u8 a = 0, b = 0;
};
Result<SleepTypes> find_soft_off(std::span<const u8> aml);

}  // namespace hv::boot

// The ACPI tables of a guest: enough to say how many processors it has, and that there is no PC.
#pragma once

#include <kit/types.hpp>
#include <vector>

namespace dom0 {

using namespace kit;

/// Where the tables lie in every guest, as on Xen.
inline constexpr Gpa acpi_base{0xfc000000};

struct AcpiTables {
    std::vector<u8> bytes; // to be placed at acpi_base
    Gpa root;              // the RSDP within them
};

/// RSDP, XSDT, FADT, FACS-less DSDT and MADT for `vcpus` processors (ACPI 6.2; APIC id = 2 * vCPU).
AcpiTables make_acpi(u32 vcpus);

}  // namespace dom0

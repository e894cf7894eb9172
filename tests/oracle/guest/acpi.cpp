// ACPI's tables as a guest finds them: from the root of the start info down.
#include "ask.hpp"

namespace oracle {
namespace {

/// A table's header (ACPI, "System Description Table Header").
struct [[gnu::packed]] Header {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], table[8];
    u32 oem_revision;
    char creator[4];
    u32 creator_revision;
};

bool sums_to_zero(u64 at, u32 length) {
    u8 sum = 0;
    for (u32 i = 0; i < length; i++)
        sum = u8(sum + reinterpret_cast<const u8*>(at)[i]);
    return sum == 0;
}

template <class T> T field(u64 table, u32 offset) {
    T value;
    memcpy(&value, reinterpret_cast<const void*>(table + offset), sizeof value);
    return value;
}

void tell_header(u64 at) {
    const auto& header = *reinterpret_cast<const Header*>(at);
    const std::string_view name{header.signature, 4};
    tell("acpi.length of", name, header.length);
    tell("acpi.revision of", name, unsigned{header.revision});
    tell("acpi.OEM of", name, std::string_view{header.oem, 6});
    tell("acpi.table id of", name, std::string_view{header.table, 8});
    tell("acpi.sum is zero of", name, sums_to_zero(at, header.length));
    tell("acpi.aligned", name, at % 16 == 0);
}

void tell_fadt(u64 fadt) {
    tell("acpi.FADT: flags", hex(field<u32>(fadt, 112)));
    tell("acpi.FADT: boot flags", hex(field<u16>(fadt, 109)));
    tell("acpi.FADT: SCI", unsigned{field<u16>(fadt, 46)});
    tell("acpi.FADT: PM1a event block", hex(field<u32>(fadt, 56)));
    tell("acpi.FADT: PM1a control block", hex(field<u32>(fadt, 64)));
    tell("acpi.FADT: PM timer block", hex(field<u32>(fadt, 76)));
    tell("acpi.FADT: sleep control", hex(field<u64>(fadt, 248)));
    tell("acpi.FADT: has a DSDT", field<u32>(fadt, 40) != 0 || field<u64>(fadt, 140) != 0);
    tell("acpi.FADT: has a FACS", field<u32>(fadt, 36) != 0 || field<u64>(fadt, 132) != 0);
}

void tell_madt(u64 madt) {
    tell("acpi.MADT: local APIC at", hex(field<u32>(madt, 36)));
    tell("acpi.MADT: flags", field<u32>(madt, 40));
    const u32 end = field<u32>(madt, 4);
    for (u32 at = 44, number = 0; at < end; at += field<u8>(madt, at + 1), number++) {
        if (field<u8>(madt, at + 1) == 0) break;
        tell("acpi.MADT: type of entry", words("{}", number), unsigned{field<u8>(madt, at)});
        tell("acpi.MADT: words of entry", words("{}", number), hex(field<u32>(madt, at + 2)));
    }
}

}  // namespace

void ask_acpi() {
    const u64 root = reinterpret_cast<hvm_start_info*>(guest().start_info)->rsdp_paddr;
    tell("acpi.root: there", root != 0);
    if (root == 0) return;
    const auto* letters = reinterpret_cast<const char*>(root);
    tell("acpi.root: signature", std::string_view{letters, 8});
    tell("acpi.root: OEM", std::string_view{letters + 9, 6});
    tell("acpi.root: revision", unsigned{field<u8>(root, 15)});
    tell("acpi.root: sum is zero", sums_to_zero(root, 20));
    tell("acpi.root: long sum is zero", sums_to_zero(root, 36));
    const u64 list = field<u64>(root, 24);
    tell_header(list);
    const u32 count = (field<u32>(list, 4) - sizeof(Header)) / 8;
    for (u32 i = 0; i < count; i++) {
        const u64 table = field<u64>(list, u32(sizeof(Header)) + i * 8);
        tell_header(table);
        const std::string_view name{reinterpret_cast<const char*>(table), 4};
        if (name == "FACP") tell_fadt(table);
        if (name == "APIC") tell_madt(table);
    }
}

}  // namespace oracle

// The ACPI tables of a guest (ACPI 6.2, "ACPI Software Programming Model"), built byte by byte.
#include "acpi.hpp"

namespace dom0 {
namespace {

/// Collects little-endian fields, and knows where the table it is in the midst of began.
class Writer {
public:
    explicit Writer(std::vector<u8>& bytes) : bytes_{bytes} {}

    void number(u64 value, int width) {
        for (int i = 0; i < width; i++)
            bytes_.push_back(u8(value >> (8 * i)));
    }
    void text(std::string_view letters) {
        for (char letter : letters)
            bytes_.push_back(u8(letter));
    }
    void zeros(size_t count) { bytes_.insert(bytes_.end(), count, 0); }
    void align() { bytes_.resize(align_up(bytes_.size(), 16)); }

    Gpa here() const { return acpi_base + bytes_.size(); }

    /// The 36 bytes that begin every table but the RSDP.
    void begin(std::string_view signature, u8 revision) {
        align();
        start_ = bytes_.size();
        text(signature);
        number(0, 4); // length: known at the end
        number(revision, 1);
        number(0, 1); // checksum: likewise
        text("Subflr");
        text("Subfloor");
        number(1, 4);
        text("SUBF");
        number(1, 4);
    }
    void end() {
        u32 length = u32(bytes_.size() - start_);
        for (int i = 0; i < 4; i++)
            bytes_[start_ + 4 + i] = u8(length >> (8 * i));
        bytes_[start_ + 9] = checksum(start_, length);
    }
    /// The byte that makes `length` bytes from `from` on add up to zero.
    u8 checksum(size_t from, size_t length) const {
        u8 sum = 0;
        for (size_t i = 0; i < length; i++)
            sum = u8(sum + bytes_[from + i]);
        return u8(-sum);
    }

private:
    std::vector<u8>& bytes_;
    size_t start_ = 0;
};

/// A DSDT without a single device: a PVH guest finds its devices in the store.
Gpa write_dsdt(Writer& out) {
    out.align();
    Gpa where = out.here();
    out.begin("DSDT", 2);
    out.end();
    return where;
}

/// The fixed description: hardware-reduced, so no PM timer, no SCI, no fixed registers.
Gpa write_fadt(Writer& out, Gpa dsdt) {
    constexpr u16 no_vga = 1 << 2, no_msi = 1 << 3, no_cmos_clock = 1 << 5;
    constexpr u32 hardware_reduced = 1 << 20, wbinvd = 1 << 0;
    out.align();
    Gpa where = out.here();
    out.begin("FACP", 5);
    out.number(0, 4);                               // 36: FACS
    out.number(dsdt.value, 4);                      // 40: DSDT
    out.zeros(109 - 44);                            // 44: model, SCI, SMI, register blocks: none
    out.number(no_vga | no_msi | no_cmos_clock, 2); // 109: IA-PC boot flags
    out.zeros(1);
    out.number(hardware_reduced | wbinvd, 4); // 112: flags
    out.zeros(131 - 116);                     // 116: reset register and value
    out.number(1, 1);                         // 131: minor version
    out.number(0, 8);                         // 132: X_FACS
    out.number(dsdt.value, 8);                // 140: X_DSDT
    out.zeros(268 - 148);                     // 148: extended register blocks: none
    out.end();
    return where;
}

Gpa write_madt(Writer& out, u32 vcpus) {
    constexpr u8 local_apic = 0, local_apic_size = 8;
    constexpr u32 enabled = 1;
    out.align();
    Gpa where = out.here();
    out.begin("APIC", 2);
    out.number(0xfee00000, 4);
    out.number(0, 4); // no 8259s
    for (u32 vcpu = 0; vcpu < vcpus; vcpu++) {
        out.number(local_apic, 1);
        out.number(local_apic_size, 1);
        out.number(vcpu, 1);     // processor id
        out.number(vcpu * 2, 1); // APIC id
        out.number(enabled, 4);
    }
    out.end();
    return where;
}

}  // namespace

AcpiTables make_acpi(u32 vcpus) {
    AcpiTables tables;
    Writer out{tables.bytes};
    Gpa dsdt = write_dsdt(out);
    Gpa fadt = write_fadt(out, dsdt);
    Gpa madt = write_madt(out, vcpus);

    out.align();
    Gpa xsdt = out.here();
    out.begin("XSDT", 1);
    out.number(fadt.value, 8);
    out.number(madt.value, 8);
    out.end();

    // The root pointer has two checksums: one over its first version's 20 bytes, one over all 36.
    out.align();
    tables.root = out.here();
    size_t at = tables.bytes.size();
    out.text("RSD PTR ");
    out.number(0, 1);
    out.text("Subflr");
    out.number(2, 1);
    out.number(0, 4); // no 32-bit RSDT
    out.number(36, 4);
    out.number(xsdt.value, 8);
    out.zeros(4);
    tables.bytes[at + 8] = out.checksum(at, 20);
    tables.bytes[at + 32] = out.checksum(at, 36);
    return tables;
}

}  // namespace dom0

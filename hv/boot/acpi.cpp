// ACPI: finding its tables, and reading the few facts that the hypervisor needs of them.
#include <algorithm>
#include <boot/acpi.hpp>
#include <boot/loader.hpp>
#include <string.h>

namespace hv::boot {
namespace {

// The tables, field by field as in the ACPI specification, "ACPI Software Programming Model"
struct [[gnu::packed]] RootPointer {
    char signature[8];
    u8 checksum;
    char oem[6];
    u8 revision;
    u32 rsdt;
    u32 length;  // from revision 2 on
    u64 xsdt;
    u8 extended_checksum;
    u8 reserved[3];
};
struct [[gnu::packed]] TableHeader {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};
struct [[gnu::packed]] GenericAddress {
    u8 space, width, offset, access;
    u64 address;
};
constexpr u8 space_io = 1;

constexpr size_t old_root_length = 20;
constexpr u32 longest_table = 4 * MiB;

bool sums_to_zero(std::span<const u8> bytes) {
    u8 sum = 0;
    for (u8 byte : bytes)
        sum = static_cast<u8>(sum + byte);
    return sum == 0;
}

/// The bytes [address, address + length), or nothing when they are not all in memory.
std::span<const u8> bytes_at(const PhysicalMemory& memory, u64 address, u64 length) {
    if (address == 0 || !fits(address, length, memory.size()))
        return {};
    return {memory.at(Mpa{address}), static_cast<size_t>(length)};
}

template <class T>
T read_field(std::span<const u8> table, size_t offset) {
    T value{};
    if (fits(offset, sizeof value, table.size()))
        memcpy(&value, table.data() + offset, sizeof value);
    return value;
}

/// The whole table at `address` when its length and checksum are right; nothing otherwise.
std::span<const u8> table_at(const PhysicalMemory& memory, u64 address) {
    const auto header = bytes_at(memory, address, sizeof(TableHeader));
    if (header.empty())
        return {};
    const u32 length = read_field<u32>(header, offsetof(TableHeader, length));
    if (length < sizeof(TableHeader) || length > longest_table)
        return {};
    const auto table = bytes_at(memory, address, length);
    return !table.empty() && sums_to_zero(table) ? table : std::span<const u8>{};
}

bool is_root(const PhysicalMemory& memory, u64 address) {
    const auto root = bytes_at(memory, address, old_root_length);
    return !root.empty() && memcmp(root.data(), "RSD PTR ", 8) == 0 && sums_to_zero(root);
}

/// Looks where a BIOS leaves the root pointer: the first KiB of the EBDA, and 0xe0000 to 0xfffff.
u64 scan_for_root(const PhysicalMemory& memory) {
    const auto ebda = copy_at<u16>(memory, Mpa{0x40e});
    const u64 ebda_start = ebda ? u64{*ebda} << 4 : 0;
    if (ebda_start >= 0x400)
        for (u64 at = ebda_start; at < ebda_start + KiB; at += 16)
            if (is_root(memory, at))
                return at;
    for (u64 at = 0xe0000; at < 0x100000; at += 16)
        if (is_root(memory, at))
            return at;
    return 0;
}

/// The list of tables: the XSDT where there is one, else the RSDT.
class TableList {
public:
    TableList(const PhysicalMemory& memory, u64 root) : memory_{memory} {
        const auto old = bytes_at(memory, root, old_root_length);
        const auto full = bytes_at(memory, root, sizeof(RootPointer));
        if (old.empty())
            return;
        if (read_field<u8>(old, offsetof(RootPointer, revision)) >= 2 && !full.empty() &&
            sums_to_zero(full))
            list_ = table_at(memory, read_field<u64>(full, offsetof(RootPointer, xsdt)));
        wide_ = !list_.empty();
        if (!wide_)
            list_ = table_at(memory, read_field<u32>(old, offsetof(RootPointer, rsdt)));
    }

    /// The first good table of that signature; nothing when there is none.
    std::span<const u8> find(std::string_view signature) const {
        const size_t step = wide_ ? 8 : 4;
        for (size_t at = sizeof(TableHeader); at + step <= list_.size(); at += step) {
            const u64 address = wide_ ? read_field<u64>(list_, at) : read_field<u32>(list_, at);
            const auto table = table_at(memory_, address);
            if (!table.empty() && memcmp(table.data(), signature.data(), 4) == 0)
                return table;
        }
        return {};
    }

private:
    const PhysicalMemory& memory_;
    std::span<const u8> list_{};
    bool wide_ = false;
};

// "Multiple APIC Description Table": records of a type, a length, and what the type says
enum MadtType : u8 { madt_local_apic = 0, madt_io_apic = 1, madt_source_override = 2,
                     madt_local_apic_address = 5, madt_x2apic = 9 };
constexpr size_t madt_records = 44;
constexpr u32 apic_enabled = 1;

void add_processor(MachineFacts& facts, u32 apic_id) {
    const auto known = std::span{facts.apic_ids}.first(facts.apic_count);
    if (std::find(known.begin(), known.end(), apic_id) != known.end())
        return;
    ++facts.processors_found;
    if (facts.apic_count < facts.apic_ids.size())
        facts.apic_ids[facts.apic_count++] = apic_id;
}

void read_madt_record(std::span<const u8> record, MachineFacts& facts) {
    switch (record[0]) {
    case madt_local_apic:
        if (read_field<u32>(record, 4) & apic_enabled)
            add_processor(facts, read_field<u8>(record, 3));
        break;
    case madt_x2apic:
        if (read_field<u32>(record, 8) & apic_enabled)
            add_processor(facts, read_field<u32>(record, 4));
        break;
    case madt_io_apic:
        // The first one, which has the PC's old interrupt lines
        if (read_field<u32>(record, 8) == 0)
            facts.io_apic = Mpa{read_field<u32>(record, 4)};
        break;
    case madt_source_override:
        if (read_field<u8>(record, 3) == MachineFacts::com1_irq)
            facts.com1_line = read_field<u32>(record, 4);
        break;
    case madt_local_apic_address: facts.local_apic = Mpa{read_field<u64>(record, 4)}; break;
    default: break;
    }
}

void read_madt(std::span<const u8> madt, MachineFacts& facts) {
    if (madt.size() < madt_records)
        return;
    facts.local_apic = Mpa{read_field<u32>(madt, 36)};
    for (size_t at = madt_records; at + 2 <= madt.size();) {
        const size_t length = madt[at + 1];
        if (length < 2 || length > madt.size() - at)
            return;
        read_madt_record(madt.subspan(at, length), facts);
        at += length;
    }
}

// "Fixed ACPI Description Table": offsets of the fields used here
enum FadtOffset : size_t { fadt_dsdt = 40, fadt_smi_command = 48, fadt_acpi_enable = 52,
                           fadt_pm1a_control = 64, fadt_pm1b_control = 68,
                           fadt_pm_timer = 76, fadt_flags = 112, fadt_reset = 116,
                           fadt_reset_value = 128, fadt_x_dsdt = 140, fadt_x_pm1a = 172,
                           fadt_x_pm1b = 184, fadt_x_pm_timer = 208 };
constexpr u32 flag_timer_32_bits = 1 << 8, flag_reset_supported = 1 << 10;

/// A port: from the 64-bit field where it names one, else from the old one.
u16 port_of(std::span<const u8> fadt, size_t wide, size_t old) {
    const auto address = read_field<GenericAddress>(fadt, wide);
    if (address.space == space_io && address.address != 0 && address.address < 0x10000)
        return static_cast<u16>(address.address);
    const u32 port = read_field<u32>(fadt, old);
    return port < 0x10000 ? static_cast<u16>(port) : 0;
}

void read_fadt(const PhysicalMemory& memory, std::span<const u8> fadt, MachineFacts& facts) {
    facts.pm1a_control = port_of(fadt, fadt_x_pm1a, fadt_pm1a_control);
    facts.pm1b_control = port_of(fadt, fadt_x_pm1b, fadt_pm1b_control);
    facts.pm_timer_port = port_of(fadt, fadt_x_pm_timer, fadt_pm_timer);
    facts.smi_command_port = static_cast<u16>(read_field<u32>(fadt, fadt_smi_command));
    facts.acpi_enable_value = read_field<u8>(fadt, fadt_acpi_enable);
    const u32 flags = read_field<u32>(fadt, fadt_flags);
    facts.pm_timer_wide = flags & flag_timer_32_bits;

    const auto reset = read_field<GenericAddress>(fadt, fadt_reset);
    if ((flags & flag_reset_supported) && reset.space == space_io && reset.address < 0x10000) {
        facts.reset_port = static_cast<u16>(reset.address);
        facts.reset_value = read_field<u8>(fadt, fadt_reset_value);
    }

    u64 dsdt = read_field<u64>(fadt, fadt_x_dsdt);
    if (dsdt == 0)
        dsdt = read_field<u32>(fadt, fadt_dsdt);
    const auto aml = table_at(memory, dsdt);
    if (const auto types = find_soft_off(aml)) {
        facts.sleep_type_a = types->a;
        facts.sleep_type_b = types->b;
        facts.has_sleep_type = true;
    }
}

}  // namespace

Result<> read_acpi(const PhysicalMemory& memory, u32 own_apic_id, MachineFacts& facts) {
    add_processor(facts, own_apic_id);
    if (facts.rsdp.value == 0 || !is_root(memory, facts.rsdp.value))
        facts.rsdp = Mpa{scan_for_root(memory)};
    if (facts.rsdp.value == 0)
        return Error{XEN_ENOENT};

    const TableList tables{memory, facts.rsdp.value};
    read_madt(tables.find("APIC"), facts);
    if (const auto fadt = tables.find("FACP"); !fadt.empty())
        read_fadt(memory, fadt, facts);
    return {};
}

}  // namespace hv::boot

// ACPI: finding its tables, and reading the few facts that the hypervisor needs of them.
#include <algorithm>
#include <boot/handover.hpp>
#include <string.h>

namespace hv::boot {
namespace {

using Bytes = std::span<const u8>;

// Places and sizes in the tables, as in "ACPI Software Programming Model" of the specification
enum Root : size_t { root_revision = 15, root_rsdt = 16, root_old_bytes = 20, root_xsdt = 24,
                     root_bytes = 36 };
enum Header : size_t { header_length = 4, header_bytes = 36 };
struct [[gnu::packed]] GenericAddress {
    u8 space, width, offset, access;
    u64 address;
};
constexpr u8 space_io = 1;
constexpr u32 longest_table = 4 * MiB;

/// The bytes [address, address + length) when all are in memory and sum to zero; else nothing.
Bytes checked_at(const PhysicalMemory& memory, u64 address, u64 length) {
    if (address == 0 || !fits(address, length, memory.size()))
        return {};
    const Bytes bytes{memory.at(Mpa{address}), static_cast<size_t>(length)};
    u8 sum = 0;
    for (u8 byte : bytes)
        sum = static_cast<u8>(sum + byte);
    return sum == 0 ? bytes : Bytes{};
}

/// The whole table at `address` when its length and checksum are right; nothing otherwise.
Bytes table_at(const PhysicalMemory& memory, u64 address) {
    const auto length = copy_at<u32>(memory, Mpa{address + header_length});
    if (!length || *length < header_bytes || *length > longest_table)
        return {};
    return checked_at(memory, address, *length);
}

/// A field of a table; 0 where the table is too short to have it.
template <class T>
T read_field(Bytes table, size_t offset) {
    T value{};
    if (fits(offset, sizeof value, table.size()))
        memcpy(&value, table.data() + offset, sizeof value);
    return value;
}

bool is_root(const PhysicalMemory& memory, u64 address) {
    const Bytes root = checked_at(memory, address, root_old_bytes);
    return !root.empty() && memcmp(root.data(), "RSD PTR ", 8) == 0;
}

/// Looks where a BIOS leaves the root pointer: the first KiB of the EBDA, and 0xe0000 to 0xfffff.
u64 scan_for_root(const PhysicalMemory& memory) {
    const auto scan = [&](u64 start, u64 bytes) -> u64 {
        for (u64 at = start; at < start + bytes; at += 16)
            if (is_root(memory, at))
                return at;
        return 0;
    };
    const u64 ebda = u64{copy_at<u16>(memory, Mpa{0x40e}).value_or(0)} << 4;
    const u64 found = ebda >= KiB ? scan(ebda, KiB) : 0;
    return found != 0 ? found : scan(0xe0000, 0x20000);
}

/// The list of tables: the XSDT where there is one, else the RSDT; and how wide its addresses are.
struct TableList {
    Bytes bytes;
    size_t width;
};

TableList find_list(const PhysicalMemory& memory, u64 root) {
    const Bytes old = checked_at(memory, root, root_old_bytes);
    const Bytes whole = checked_at(memory, root, root_bytes);
    if (read_field<u8>(whole, root_revision) >= 2)
        if (const Bytes xsdt = table_at(memory, read_field<u64>(whole, root_xsdt)); !xsdt.empty())
            return {xsdt, 8};
    return {table_at(memory, read_field<u32>(old, root_rsdt)), 4};
}

/// The first good table of that signature; nothing when there is none.
Bytes find_table(const PhysicalMemory& memory, const TableList& list, const char* signature) {
    for (size_t at = header_bytes; at + list.width <= list.bytes.size(); at += list.width) {
        const Bytes table = table_at(memory, list.width == 8 ? read_field<u64>(list.bytes, at)
                                                             : read_field<u32>(list.bytes, at));
        if (!table.empty() && memcmp(table.data(), signature, 4) == 0)
            return table;
    }
    return {};
}

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

void read_madt_record(Bytes record, MachineFacts& facts) {
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

void read_madt(Bytes madt, MachineFacts& facts) {
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

// "Fixed ACPI Description Table"
enum Fadt : size_t { fadt_dsdt = 40, fadt_smi_command = 48, fadt_acpi_enable = 52,
                     fadt_pm1a_control = 64, fadt_pm1b_control = 68, fadt_pm_timer = 76,
                     fadt_flags = 112, fadt_reset = 116, fadt_reset_value = 128,
                     fadt_x_dsdt = 140, fadt_x_pm1a = 172, fadt_x_pm1b = 184,
                     fadt_x_pm_timer = 208 };
constexpr u32 flag_reset_supported = 1 << 10;

/// A port: from the 64-bit field where it names one, else from the old one.
u16 port_of(Bytes fadt, size_t wide, size_t old) {
    const auto address = read_field<GenericAddress>(fadt, wide);
    if (address.space == space_io && address.address != 0 && address.address < 0x10000)
        return static_cast<u16>(address.address);
    const u32 port = read_field<u32>(fadt, old);
    return port < 0x10000 ? static_cast<u16>(port) : 0;
}

void read_fadt(const PhysicalMemory& memory, Bytes fadt, MachineFacts& facts) {
    facts.pm1a_control = port_of(fadt, fadt_x_pm1a, fadt_pm1a_control);
    facts.pm1b_control = port_of(fadt, fadt_x_pm1b, fadt_pm1b_control);
    facts.pm_timer_port = port_of(fadt, fadt_x_pm_timer, fadt_pm_timer);
    facts.smi_command_port = static_cast<u16>(read_field<u32>(fadt, fadt_smi_command));
    facts.acpi_enable_value = read_field<u8>(fadt, fadt_acpi_enable);

    const u32 flags = read_field<u32>(fadt, fadt_flags);
    const auto reset = read_field<GenericAddress>(fadt, fadt_reset);
    if ((flags & flag_reset_supported) && reset.space == space_io && reset.address < 0x10000) {
        facts.reset_port = static_cast<u16>(reset.address);
        facts.reset_value = read_field<u8>(fadt, fadt_reset_value);
    }

    const u64 dsdt = read_field<u64>(fadt, fadt_x_dsdt);
    const Bytes aml = table_at(memory, dsdt != 0 ? dsdt : read_field<u32>(fadt, fadt_dsdt));
    if (const auto types = find_soft_off(aml))
        facts.soft_off = *types;
}

// "ACPI Machine Language (AML) Specification"
constexpr u8 aml_zero = 0x00, aml_one = 0x01, aml_name = 0x08, aml_byte = 0x0a, aml_dword = 0x0c,
             aml_package = 0x12;

/// Reads a package's element at `at` as a number, and moves past it. XEN_EINVAL: no number.
Result<u8> read_number(Bytes aml, size_t& at) {
    if (at >= aml.size())
        return Error{XEN_EINVAL};
    const u8 prefix = aml[at++];
    if (prefix == aml_zero || prefix == aml_one)
        return prefix;
    // A prefix for one byte, one for two, one for four
    if (prefix < aml_byte || prefix > aml_dword || 1u << (prefix - aml_byte) > aml.size() - at)
        return Error{XEN_EINVAL};
    const u8 lowest = aml[at];
    at += 1u << (prefix - aml_byte);
    return lowest;
}

/// Reads what follows the name: PackageOp, a length of 1 to 4 bytes, a count, and the numbers.
Result<SleepTypes> read_package(Bytes aml, size_t at) {
    if (at + 2 > aml.size() || aml[at] != aml_package)
        return Error{XEN_EINVAL};
    at += 2 + (aml[at + 1] >> 6);
    if (at >= aml.size() || aml[at] < 1)
        return Error{XEN_EINVAL};
    const u8 elements = aml[at++];
    const auto a = read_number(aml, at);
    TRY(a);
    const auto b = elements > 1 ? read_number(aml, at) : Result<u8>{u8{0}};
    TRY(b);
    if (*a > 7 || *b > 7)
        return Error{XEN_EINVAL};
    return SleepTypes{*a, *b};
}

}  // namespace

Result<SleepTypes> find_soft_off(Bytes aml) {
    static constexpr std::string_view name = "_S5_";
    for (auto found = aml.begin();; ++found) {
        found = std::search(found, aml.end(), name.begin(), name.end());
        if (found == aml.end())
            return Error{XEN_ENOENT};

        // NameOp stands before the name, with or without a backslash between
        const auto at = static_cast<size_t>(found - aml.begin());
        const bool named = (at >= 1 && aml[at - 1] == aml_name) ||
                           (at >= 2 && aml[at - 2] == aml_name && aml[at - 1] == '\\');
        if (!named)
            continue;
        if (const auto types = read_package(aml, at + name.size()))
            return types;
    }
}

Result<> read_acpi(const PhysicalMemory& memory, u32 own_apic_id, MachineFacts& facts) {
    add_processor(facts, own_apic_id);
    if (!is_root(memory, facts.rsdp.value))
        facts.rsdp = Mpa{scan_for_root(memory)};
    if (facts.rsdp.value == 0)
        return Error{XEN_ENOENT};

    const TableList list = find_list(memory, facts.rsdp.value);
    read_madt(find_table(memory, list, "APIC"), facts);
    if (const Bytes fadt = find_table(memory, list, "FACP"); !fadt.empty())
        read_fadt(memory, fadt, facts);
    return {};
}

}  // namespace hv::boot

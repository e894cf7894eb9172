// ACPI: tables as firmware writes them, and damaged ones.
#include <boot/handover.hpp>
#include <cstring>
#include <gtest/gtest.h>
#include <string_view>
#include <unit/mutate.hpp>

namespace hv {
namespace {

using test::Bytes;

void put(Bytes& bytes, size_t at, u64 value, size_t width) {
    if (bytes.size() < at + width)
        bytes.resize(at + width);
    std::memcpy(&bytes[at], &value, width);
}

void fix_sum(Bytes& bytes, size_t start, size_t length, size_t sum_at) {
    bytes[sum_at] = 0;
    u8 sum = 0;
    for (size_t i = start; i < start + length; ++i)
        sum = static_cast<u8>(sum + bytes[i]);
    bytes[sum_at] = static_cast<u8>(-sum);
}

Bytes table(std::string_view signature, const Bytes& body) {
    Bytes bytes(36);
    std::memcpy(bytes.data(), signature.data(), 4);
    bytes.insert(bytes.end(), body.begin(), body.end());
    put(bytes, 4, bytes.size(), 4);
    fix_sum(bytes, 0, bytes.size(), 9);
    return bytes;
}

const Bytes soft_off{0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00};

/// 64 KiB of memory from 0 on, with a full set of tables in it.
class BootAcpi : public testing::Test {
protected:
    static constexpr size_t root = 0x800, xsdt = 0x900, madt = 0xa00, fadt = 0xb00, dsdt = 0xd00;

    BootAcpi() : bytes(64 * KiB) {
        Bytes list;
        put(list, 0, madt, 8);
        put(list, 8, fadt, 8);
        place(xsdt, table("XSDT", list));

        Bytes records;
        put(records, 0, 0xfee00000, 4);
        put(records, 4, 1, 4);
        for (u8 id : {0, 2, 5})
            add(records, {0, 8, id, id, u8(id != 2), 0, 0, 0});
        add(records, {9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
        add(records, {1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0});
        place(madt, table("APIC", records));

        Bytes fixed(244 - 36);
        put(fixed, 40 - 36, dsdt, 4);
        put(fixed, 64 - 36, 0x604, 4);
        put(fixed, 76 - 36, 0x608, 4);
        put(fixed, 112 - 36, 1 << 10, 4);
        put(fixed, 116 - 36, 1 | 8 << 8, 4);
        put(fixed, 120 - 36, 0xcf9, 8);
        put(fixed, 128 - 36, 6, 1);
        place(fadt, table("FACP", fixed));
        place(dsdt, table("DSDT", soft_off));

        std::memcpy(&bytes[root], "RSD PTR ", 8);
        bytes[root + 15] = 2;
        put(bytes, root + 20, 36, 4);
        put(bytes, root + 24, xsdt, 8);
        fix_sum(bytes, root, 20, root + 8);
        fix_sum(bytes, root, 36, root + 32);
        facts.rsdp = Mpa{root};
    }

    void add(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
    void place(size_t at, const Bytes& what) { std::copy(what.begin(), what.end(), &bytes[at]); }
    Result<> read() {
        return boot::read_acpi(PhysicalMemory{bytes.data(), bytes.size()}, 0, facts);
    }

    Bytes bytes;
    MachineFacts facts;
};

TEST_F(BootAcpi, ReadsWhatTheTablesSay) {
    ASSERT_TRUE(read().ok());
    ASSERT_EQ(facts.apic_count, 3);
    EXPECT_EQ(facts.apic_ids[0], 0u);
    EXPECT_EQ(facts.apic_ids[1], 5u);
    EXPECT_EQ(facts.apic_ids[2], 0x1234u);
    EXPECT_EQ(facts.io_apic.value, 0xfec00000u);
    EXPECT_EQ(facts.pm1a_control, 0x604);
    EXPECT_EQ(facts.pm_timer_port, 0x608);
    EXPECT_EQ(facts.reset_port, 0xcf9);
    EXPECT_EQ(facts.reset_value, 6);
    ASSERT_TRUE(facts.soft_off);
    EXPECT_EQ(facts.soft_off->a, 5);
    EXPECT_EQ(facts.soft_off->b, 1);
}

TEST_F(BootAcpi, ATableWithAWrongSumIsAbsent) {
    ++bytes[madt + 40];
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(facts.apic_count, 1);
    EXPECT_EQ(facts.pm1a_control, 0x604);
}

TEST_F(BootAcpi, WithoutARootThereIsOnlyThisProcessor) {
    std::memset(&bytes[root], 0, 8);
    EXPECT_EQ(read().error().code, XEN_ENOENT);
    EXPECT_EQ(facts.apic_count, 1);
    EXPECT_FALSE(facts.soft_off);
}

TEST_F(BootAcpi, DamagedTablesAreNeverReadBeyondMemory) {
    unsigned with_tables = 0;
    test::mutate(bytes, 3000, [&](Bytes& bad) {
        // Sums put right again, so that the damage is looked at
        for (size_t at : {madt, fadt, dsdt, xsdt})
            if (bad.size() > at + 0x100)
                fix_sum(bad, at, std::min<size_t>(bad[at + 4] | bad[at + 5] << 8, 0x100), at + 9);
        MachineFacts some;
        some.rsdp = Mpa{root};
        if (boot::read_acpi(PhysicalMemory{bad.data(), bad.size()}, 0, some).ok())
            ++with_tables;
        EXPECT_LE(some.apic_count, some.apic_ids.size());
    });
    EXPECT_GT(with_tables, 0u);
}

TEST(BootSoftOff, ReadsTheFormsThatFirmwareUses) {
    const auto types = boot::find_soft_off(soft_off);
    ASSERT_TRUE(types.ok());
    EXPECT_EQ(types->a, 5);
    EXPECT_EQ(types->b, 1);
    const Bytes rooted{0x08, '\\', '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 0x07};
    EXPECT_EQ(boot::find_soft_off(rooted)->a, 7);
}

TEST(BootSoftOff, RefusesWhatOnlyLooksLikeIt) {
    EXPECT_FALSE(boot::find_soft_off({}).ok());
    EXPECT_FALSE(boot::find_soft_off(Bytes{0x10, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x00}).ok());
    EXPECT_FALSE(
        boot::find_soft_off(Bytes{0x08, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 9}).ok());
    for (size_t length = 0; length + 2 < soft_off.size(); ++length) {
        const Bytes cut(soft_off.begin(), soft_off.begin() + static_cast<long>(length));
        EXPECT_TRUE(length >= 11 || !boot::find_soft_off(cut).ok()) << length;
    }
}

}  // namespace
}  // namespace hv

// EPT entries and the MSR bitmap, against the layouts that the Intel SDM draws.
#include <array>
#include <gtest/gtest.h>
#include <vmx/controls.hpp>
#include <x86/msr.hpp>
#include <x86/page_format.hpp>

namespace hv {
namespace {

using x86::Mapping;
using x86::MemoryType;

TEST(EptFormat, SpellsLeaves) {
    const auto& format = x86::ept_format;
    EXPECT_EQ(format.leaf({Mfn{0x12345}, 0, x86::full_access}), 0x12345037u);
    EXPECT_EQ(format.leaf({Mfn{0x12345}, 0, x86::read_only}), 0x12345031u);
    EXPECT_EQ(format.leaf({Mfn{0x200}, 9, x86::read_write}), 0x2000b3u);
    EXPECT_EQ(format.leaf({Mfn{0x40000}, 18, x86::full_access}), 0x400000b7u);
    EXPECT_EQ(format.leaf({Mfn{0xfee00}, 0, x86::read_write, MemoryType::uncached}), 0xfee00003u);
}

TEST(EptFormat, SpellsNothingWithoutAccess) {
    EXPECT_EQ(x86::ept_format.leaf({Mfn{0x12345}, 0, x86::Access{}}), 0u);
    EXPECT_FALSE(x86::ept_format.present(0));
    EXPECT_EQ(x86::ept_format.read(0, 0), Mapping{});
}

TEST(EptFormat, NeverSpellsAnEntryThatTheCpuWouldCallMisconfigured) {
    for (const x86::Access access : {x86::Access{.write = true}, x86::Access{.execute = true}}) {
        const u64 entry = x86::ept_format.leaf({Mfn{1}, 0, access});
        EXPECT_EQ(entry & 1, 1u) << "writable or executable without readable";
    }
}

TEST(EptFormat, ReadsBackWhatItSpelled) {
    for (const u8 order : {0, 9, 18})
        for (const MemoryType type : {MemoryType::write_back, MemoryType::uncached})
            for (const x86::Access access : {x86::read_only, x86::read_write, x86::full_access}) {
                const Mapping mapping{Mfn{0x7ull << 30}, order, access, type};
                const u64 entry = x86::ept_format.leaf(mapping);
                const unsigned level = x86::level_of_order(order);
                EXPECT_TRUE(x86::ept_format.present(entry));
                EXPECT_TRUE(x86::ept_format.is_leaf(entry, level));
                EXPECT_EQ(x86::ept_format.read(entry, level), mapping);
            }
}

TEST(EptFormat, TellsTablesFromLeaves) {
    const u64 entry = x86::ept_format.table(Mfn{0x321});
    EXPECT_EQ(entry, 0x321007u);
    EXPECT_FALSE(x86::ept_format.is_leaf(entry, 1));
    EXPECT_TRUE(x86::ept_format.is_leaf(entry, 0)) << "the lowest level has no tables";
    EXPECT_EQ(x86::ept_format.frame(entry), Mfn{0x321});
}

TEST(EptFormat, PointerAsksForFourLevelsOfWriteBackTables) {
    EXPECT_EQ(x86::ept_pointer(0xabc000), 0xabc01eu);
}

class MsrBitmap : public testing::TestWithParam<bool> {
protected:
    MsrBitmap() { vmx::fill_msr_bitmap(bitmap, GetParam()); }
    /// Whether a guest reads (or writes) `msr` without an exit, looked up as the manual says.
    bool passes(u32 msr, bool write) const {
        if (msr >= 0x2000 && msr - 0xc0000000 >= 0x2000)
            return false;
        const size_t part = (write ? 0x800 : 0) + (msr < 0x2000 ? 0 : 0x400);
        return !(bitmap[part + (msr & 0x1fff) / 8] >> msr % 8 & 1);
    }
    std::array<u8, page_size> bitmap{};
};

TEST_P(MsrBitmap, LetsAGuestHaveWhatIsKeptForIt) {
    for (const u32 msr : {x86::IA32_EFER, x86::IA32_PAT, x86::IA32_FS_BASE, x86::IA32_GS_BASE,
                          x86::IA32_KERNEL_GS_BASE, x86::IA32_LSTAR, x86::IA32_SYSENTER_EIP}) {
        EXPECT_TRUE(passes(msr, false)) << std::hex << msr;
        EXPECT_TRUE(passes(msr, true)) << std::hex << msr;
    }
}

TEST_P(MsrBitmap, KeepsTheMachinesOwn) {
    constexpr u32 speculation_control = 0x48, extended_supervisor_state = 0xda0;
    for (const u32 msr : std::initializer_list<u32>{
             x86::IA32_APIC_BASE, x86::IA32_FEATURE_CONTROL, x86::IA32_VMX_BASIC,
             x86::IA32_TIME_STAMP_COUNTER, speculation_control, extended_supervisor_state}) {
        EXPECT_FALSE(passes(msr, false)) << std::hex << msr;
        EXPECT_FALSE(passes(msr, true)) << std::hex << msr;
    }
    EXPECT_FALSE(passes(0x40000000, true)) << "outside both ranges";
}

TEST_P(MsrBitmap, PassesApicRegistersOnlyWhereTheCpuVirtualisesThem) {
    EXPECT_EQ(passes(0x80b, true), GetParam()) << "end of interrupt";
    EXPECT_EQ(passes(0x808, false), GetParam()) << "task priority";
    EXPECT_EQ(passes(0x817, false), GetParam()) << "in service";
    EXPECT_FALSE(passes(0x839, false)) << "the timer's current count is never in the page";
    EXPECT_FALSE(passes(0x80d, false)) << "nor is the logical destination";
    EXPECT_FALSE(passes(0x830, true)) << "the interrupt command is ours to carry out";
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutApic, MsrBitmap, testing::Bool());

}  // namespace
}  // namespace hv

// What SVM is told in tables: nested entries, permission maps, address-space identifiers; and what
// it offers.
#include <gtest/gtest.h>
#include <string_view>
#include <svm/exits.hpp>
#include <svm/host_area.hpp>
#include <vector>
#include <x86/msr.hpp>

using namespace hv;
using namespace hv::svm;

namespace {

TEST(NptFormat, ALeafSaysWhatItMaps) {
    for (const u8 order : {0, 9, 18})
        for (const x86::Access access : {x86::read_only, x86::read_write, x86::full_access})
            for (const auto type : {x86::MemoryType::write_back, x86::MemoryType::uncached}) {
                const x86::Mapping mapping{Mfn{0x80000}, order, access, type};
                const u64 entry = x86::npt_format.leaf(mapping);
                EXPECT_TRUE(x86::npt_format.present(entry));
                EXPECT_TRUE(x86::npt_format.is_leaf(entry, x86::level_of_order(order)));
                EXPECT_EQ(x86::npt_format.read(entry, x86::level_of_order(order)), mapping);
            }
}

TEST(NptFormat, EveryEntryIsAUsers) {
    const u64 leaf = x86::npt_format.leaf({.frame = Mfn{5}, .access = x86::full_access});
    EXPECT_EQ(leaf, 0x5067u);
    EXPECT_TRUE(x86::npt_format.table(Mfn{7}) & x86::PTE_US);
    EXPECT_FALSE(x86::npt_format.is_leaf(x86::npt_format.table(Mfn{7}), 2));
    EXPECT_EQ(x86::npt_format.frame(x86::npt_format.table(Mfn{7})), Mfn{7});
}

TEST(NptFormat, AMappingThatAllowsNothingIsNotPresent) {
    EXPECT_EQ(x86::npt_format.leaf({.frame = Mfn{5}, .access = x86::Access{}}), 0u);
    EXPECT_FALSE(x86::npt_format.present(0));
    EXPECT_EQ(x86::npt_format.read(0, 0), x86::Mapping{});
}

/// The read and write bits of `msr`, looked up as the manual says.
unsigned msr_bits(std::span<const u8> map, u32 msr) {
    const size_t start = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 0x800 : 0x1000;
    const u32 index = msr & 0x1fff;
    return map[start + index / 4] >> index % 4 * 2 & 3;
}

TEST(SvmMaps, OnlyMsrsThatTheSwitchExchangesPassThrough) {
    std::array<u8, msr_map_bytes> map{};
    fill_msr_map(map);
    for (const u32 msr : {0x174u, 0x175u, 0x176u, 0xc0000081u, 0xc0000082u, 0xc0000083u,
                          0xc0000084u, 0xc0000100u, 0xc0000101u, 0xc0000102u})
        EXPECT_EQ(msr_bits(map, msr), 0u) << "MSR " << std::hex << msr;
    for (const u32 msr : {0x10u, 0x1bu, 0x277u, 0x80bu, 0x830u, 0xc0000080u, 0xc0000103u,
                          0xc0010114u, 0xc0010117u})
        EXPECT_EQ(msr_bits(map, msr), 3u) << "MSR " << std::hex << msr;
    size_t cleared = 0;
    for (const u8 byte : map)
        cleared += static_cast<size_t>(8 - std::popcount(byte));
    EXPECT_EQ(cleared, 2 * std::size(x86::switched_msrs));
}

TEST(SvmMaps, EveryPortExits) {
    std::array<u8, io_map_bytes> map{};
    fill_io_map(map);
    for (const u8 byte : map)
        ASSERT_EQ(byte, 0xff);
}

TEST(SvmMaps, PauseExitsOnlyWhereTheCpuCounts) {
    ControlArea plain{}, filtering{};
    set_intercepts(plain, SVM_NP);
    set_intercepts(filtering, SVM_NP | SVM_PAUSE_FILTER);
    EXPECT_FALSE(plain.intercepts[3] & 1u << 23);
    EXPECT_TRUE(filtering.intercepts[3] & 1u << 23);
    EXPECT_GT(filtering.pause_filter_count, 0);
    EXPECT_TRUE(plain.intercepts[4] & 1u << 0) << "an entry without VMRUN's is refused";
}

TEST(SvmMaps, InterceptsStandWhereTheManualHasThem) {
    ControlArea control{};
    set_intercepts(control, SVM_NP | SVM_PAUSE_FILTER);
    EXPECT_EQ(control.intercepts[0], 1u << 24) << "writes to CR8";
    EXPECT_EQ(control.intercepts[1], 0u) << "debug registers";
    EXPECT_EQ(control.intercepts[2], 1u << 1 | 1u << 17 | 1u << 18) << "#DB, #AC and #MC";
    EXPECT_EQ(control.intercepts[3], 0x9dc4801fu);
    EXPECT_EQ(control.intercepts[4], 0x7e7fu);
    EXPECT_EQ(control.intercepts[5], 0u);
}

TEST(SvmAsids, AreFreshOnceTakenAndStaleWhenTheyRunOut) {
    AsidPool pool{0, 4};  // 0 is the host's: 1, 2 and 3 remain
    ControlArea control{};
    x86::VirtualCpu vcpus[4];
    for (auto& vcpu : vcpus)
        vcpu.nested_root = 0x123000;

    EXPECT_FALSE(pool.fresh(vcpus[0]));
    pool.renew(vcpus[0], control);
    EXPECT_EQ(control.tlb_control, TLB_FLUSH_ALL) << "what firmware left in the TLB must go";
    EXPECT_EQ(control.guest_asid, 1u);
    EXPECT_EQ(control.n_cr3, 0x123000u);
    EXPECT_TRUE(pool.fresh(vcpus[0]));

    pool.renew(vcpus[1], control);
    EXPECT_EQ(control.tlb_control, TLB_KEEP);
    pool.renew(vcpus[2], control);
    EXPECT_EQ(control.guest_asid, 3u);
    EXPECT_TRUE(pool.fresh(vcpus[0]));

    pool.renew(vcpus[3], control);
    EXPECT_EQ(control.guest_asid, 1u);
    EXPECT_EQ(control.tlb_control, TLB_FLUSH_ALL);
    for (unsigned stale : {0, 1, 2})
        EXPECT_FALSE(pool.fresh(vcpus[stale])) << "vCPU " << stale;
    EXPECT_TRUE(pool.fresh(vcpus[3]));
}

TEST(SvmAsids, AFlushIsANewAsid) {
    AsidPool pool{0, 16};
    ControlArea control{};
    x86::VirtualCpu vcpu;
    pool.renew(vcpu, control);
    const u32 before = vcpu.tag;
    pool.renew(vcpu, control);
    EXPECT_NE(vcpu.tag, before);
    EXPECT_TRUE(pool.fresh(vcpu));
}

TEST(SvmAsids, AVcpuFromAnotherPcpuIsStale) {
    AsidPool here{0, 16}, there{1, 16};
    ControlArea control{};
    x86::VirtualCpu vcpu;
    here.renew(vcpu, control);
    EXPECT_FALSE(there.fresh(vcpu));
    there.renew(vcpu, control);
    EXPECT_FALSE(here.fresh(vcpu)) << "its old ASID here holds translations of another time";
}

TEST(SvmCapabilities, EachRefusalSaysWhatIsWrongAndWhatWouldBeRight) {
    const Offer good{.svm = true, .features = SVM_NP | SVM_LOCK, .asids = 16};
    const char* why = "";
    ASSERT_TRUE(judge(good, &why).ok());
    EXPECT_EQ(judge(good, &why)->tags, 16u);

    const auto reason = [&](auto spoil) -> std::string_view {
        Offer offer = good;
        spoil(offer);
        why = "";
        const auto result = judge(offer, &why);
        EXPECT_EQ(result.error().code, XEN_ENODEV);
        return why;
    };
    EXPECT_TRUE(reason([](auto& o) { o.svm = false; }).starts_with("this processor has no SVM"));
    EXPECT_TRUE(reason([](auto& o) { o.vm_cr = 0x18; }).starts_with("firmware has locked SVM off"));
    EXPECT_NE(reason([](auto& o) { o.features = 0; }).find("no nested paging"),
              std::string_view::npos);
    EXPECT_NE(reason([](auto& o) { o.asids = 1; }).find("at least 2"), std::string_view::npos);
}

}  // namespace

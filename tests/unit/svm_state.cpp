// A guest's registers in SVM's control block: packed, unpacked, and refused when impossible.
#include <gtest/gtest.h>
#include <memory>
#include <svm/vmcb.hpp>
#include <x86/bits.hpp>
#include <x86/msr.hpp>

using namespace hv;
using namespace hv::svm;

namespace {

x86::CpuState long_mode_state() {
    x86::CpuState state;
    state.rip = 0xffffffff81000000;
    state.rsp = 0xffffc90000003fd8;
    state.rflags = 0x246;
    state.cr0 = 0x80050033;
    state.cr2 = 0x7f0012345678;
    state.cr3 = 0x1234000;
    state.cr4 = x86::CR4_PAE | x86::CR4_PSE;
    state.efer = x86::EFER_SCE | x86::EFER_LME | x86::EFER_LMA | x86::EFER_NXE;
    state.cs = {.selector = 0x10, .attributes = 0xa09b, .limit = ~0u, .base = 0};
    state.ss = {.selector = 0x18, .attributes = 0xc093, .limit = ~0u, .base = 0};
    state.ds = state.es = state.fs = state.gs = {};
    state.gs.base = 0xffff888000000000;
    state.tr = {.selector = 0x40, .attributes = 0x8b, .limit = 0x206f, .base = 0xfffffe0000003000};
    state.ldtr = {};
    state.gdtr = {.base = 0xfffffe0000001000, .limit = 0x7f};
    state.idtr = {.base = 0xfffffe0000000000, .limit = 0xfff};
    state.lstar = 0xffffffff81a00000;
    state.kernel_gs_base = 0x7fff0000;
    state.sysenter_cs = 0x10;
    return state;
}

TEST(SvmState, WhatIsWrittenIsReadAgain) {
    auto vmcb = std::make_unique<Vmcb>();
    const x86::CpuState written = long_mode_state();
    ASSERT_TRUE(write_state(vmcb->save, written).ok());
    x86::CpuState read;
    read_state(vmcb->save, read);

    EXPECT_EQ(read.rip, written.rip);
    EXPECT_EQ(read.rsp, written.rsp);
    EXPECT_EQ(read.rflags, written.rflags);
    EXPECT_EQ(read.cr0, written.cr0);
    EXPECT_EQ(read.cr2, written.cr2);
    EXPECT_EQ(read.cr3, written.cr3);
    EXPECT_EQ(read.cr4, written.cr4);
    EXPECT_EQ(read.efer, written.efer) << "SVME is not the guest's to see";
    EXPECT_EQ(read.cs.attributes, written.cs.attributes);
    EXPECT_EQ(read.ss.attributes, written.ss.attributes);
    EXPECT_EQ(read.ds.attributes, written.ds.attributes) << "unusable";
    EXPECT_EQ(read.gs.base, written.gs.base);
    EXPECT_EQ(read.tr.selector, written.tr.selector);
    EXPECT_EQ(read.tr.base, written.tr.base);
    EXPECT_EQ(read.gdtr.limit, written.gdtr.limit);
    EXPECT_EQ(read.idtr.base, written.idtr.base);
    EXPECT_EQ(read.lstar, written.lstar);
    EXPECT_EQ(read.kernel_gs_base, written.kernel_gs_base);
    EXPECT_EQ(read.pat, written.pat);
}

TEST(SvmState, AttributesLoseTheirGapAndFindItAgain) {
    const x86::Segment code{.selector = 8, .attributes = 0xa09b, .limit = ~0u};
    EXPECT_EQ(pack(code).attributes, 0xa9b);
    for (const u32 attributes : {0xa09bu, 0xc09bu, 0xc093u, 0x8bu, 0x82u, 0xf0ffu & ~0xf00u})
        EXPECT_EQ(unpack(pack({.attributes = attributes})).attributes, attributes);
    EXPECT_EQ(pack({.attributes = 0x1c093}).attributes & SEGMENT_PRESENT, 0);
    EXPECT_TRUE(unpack({}).attributes & 0x10000) << "not present reads as unusable";
}

TEST(SvmState, LongModeIsActiveExactlyWhenPagingIsOn) {
    auto vmcb = std::make_unique<Vmcb>();
    x86::CpuState state = long_mode_state();
    state.efer &= ~u64{x86::EFER_LMA};
    ASSERT_TRUE(write_state(vmcb->save, state).ok());
    EXPECT_TRUE(vmcb->save.efer & x86::EFER_LMA);
    EXPECT_TRUE(vmcb->save.efer & x86::EFER_SVME) << "an entry without it is refused";

    state.cr0 &= ~u64{x86::CR0_PG};
    state.efer |= x86::EFER_LMA;
    ASSERT_TRUE(write_state(vmcb->save, state).ok());
    EXPECT_FALSE(vmcb->save.efer & x86::EFER_LMA);
}

TEST(SvmState, PrivilegeComesFromTheStackSegment) {
    auto vmcb = std::make_unique<Vmcb>();
    x86::CpuState state = long_mode_state();
    state.ss.attributes |= 3 << 5;
    ASSERT_TRUE(write_state(vmcb->save, state).ok());
    EXPECT_EQ(vmcb->save.cpl, 3);
    EXPECT_EQ(paging_state(vmcb->save).privilege(), 3u);

    state.cr0 = 0x10;  // real mode knows no privilege
    state.efer = 0;
    ASSERT_TRUE(write_state(vmcb->save, state).ok());
    EXPECT_EQ(vmcb->save.cpl, 0);
}

TEST(SvmState, StatesThatNoCpuCanBeInAreRefused) {
    auto vmcb = std::make_unique<Vmcb>();
    const auto refused = [&](auto spoil) {
        x86::CpuState state = long_mode_state();
        spoil(state);
        return !write_state(vmcb->save, state).ok();
    };
    EXPECT_TRUE(refused([](auto& state) { state.cr0 |= x86::CR0_NW; }));
    EXPECT_TRUE(refused([](auto& state) { state.cr0 &= ~u64{x86::CR0_PE}; }));
    EXPECT_TRUE(refused([](auto& state) { state.cr4 &= ~u64{x86::CR4_PAE}; }));
    EXPECT_TRUE(refused([](auto& state) { state.cr0 |= 1ull << 32; }));
    EXPECT_TRUE(refused([](auto& state) { state.dr7 |= 1ull << 32; }));
    EXPECT_TRUE(refused([](auto& state) { state.cs.attributes |= 1 << 14; })) << "L and D at once";
    EXPECT_FALSE(refused([](auto&) {}));
}

TEST(SvmState, EferKeepsSvmeAndHidesIt) {
    auto vmcb = std::make_unique<Vmcb>();
    ASSERT_TRUE(write_state(vmcb->save, reset_state()).ok());
    EXPECT_EQ(*read_msr(vmcb->save, x86::IA32_EFER), 0u);
    ASSERT_TRUE(write_msr(vmcb->save, x86::IA32_EFER, x86::EFER_LME | x86::EFER_NXE).ok());
    EXPECT_EQ(vmcb->save.efer, x86::EFER_LME | x86::EFER_NXE | u64{x86::EFER_SVME});
    EXPECT_EQ(write_msr(vmcb->save, x86::IA32_EFER, x86::EFER_SVME).error().code, XEN_EINVAL);

    vmcb->save.cr0 |= x86::CR0_PG;
    EXPECT_EQ(write_msr(vmcb->save, x86::IA32_EFER, x86::EFER_NXE).error().code, XEN_EINVAL)
        << "LME may not change under paging";
}

TEST(SvmState, PatIsReadWrittenAndChecked) {
    auto vmcb = std::make_unique<Vmcb>();
    ASSERT_TRUE(write_msr(vmcb->save, x86::IA32_PAT, 0x0407050600070106).ok());
    EXPECT_EQ(*read_msr(vmcb->save, x86::IA32_PAT), 0x0407050600070106);
    EXPECT_EQ(write_msr(vmcb->save, x86::IA32_PAT, 0x0407050600020106).error().code, XEN_EINVAL);
    EXPECT_EQ(write_msr(vmcb->save, x86::IA32_PAT, 0x0807050600070106).error().code, XEN_EINVAL);
    EXPECT_EQ(read_msr(vmcb->save, x86::IA32_TIME_STAMP_COUNTER).error().code, XEN_ENOENT);
    EXPECT_EQ(write_msr(vmcb->save, 0x1b, 0).error().code, XEN_ENOENT);
}

}  // namespace

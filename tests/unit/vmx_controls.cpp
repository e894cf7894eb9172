// VMX's controls and capabilities, settled for processors that offer much, little and nothing.
#include <gtest/gtest.h>
#include <string_view>
#include <vmx/controls.hpp>
#include <x86/msr.hpp>

namespace hv {
namespace {

using vmx::Offer;

/// A capability MSR: what must be one, and what may be.
constexpr u64 capability(u32 must, u32 may) { return static_cast<u64>(may) << 32 | must; }

/// The numbers that a Skylake reports (TRUE controls).
Offer skylake() {
    Offer offer{.vmx = true, .feature_control = 5, .basic = 1ull << 55 | 4};
    offer.misc = 5;
    offer.pin = capability(0x16, 0x7f);
    offer.primary = capability(0x04006172, 0xfff9fffe);
    offer.secondary = capability(0, 0x03513fff);
    offer.exit = capability(0x00036dfb, 0x01ffffff);
    offer.entry = capability(0x000011fb, 0x0003ffff);
    offer.ept_vpid = 0xf0106734141;
    return offer;
}

std::string_view refusal(const Offer& offer) {
    const char* why = "";
    const auto found = vmx::judge(offer, &why);
    EXPECT_FALSE(found.ok());
    EXPECT_EQ(found.error().code, XEN_ENODEV);
    return why;
}

TEST(VmxControls, AdjustObeysTheCapability) {
    const u64 offered = capability(0b0001, 0b0111);
    EXPECT_EQ(*vmx::adjust(offered, {.required = 0b0010, .wanted = 0b1100, .forbidden = 0}),
              0b0111u);
    EXPECT_FALSE(vmx::adjust(offered, {.required = 0b1000, .wanted = 0, .forbidden = 0}).ok());
    EXPECT_FALSE(vmx::adjust(offered, {.required = 0, .wanted = 0, .forbidden = 0b0001}).ok());
}

TEST(VmxControls, SkylakeGivesEverything) {
    const char* why = nullptr;
    const auto found = vmx::judge(skylake(), &why);
    ASSERT_TRUE(found.ok()) << why;
    EXPECT_TRUE(found->superpage_2m);
    EXPECT_TRUE(found->superpage_1g);
    EXPECT_TRUE(found->virtual_interrupts);
    EXPECT_EQ(found->tags, 0xffffu);
}

TEST(VmxControls, InterruptDeliveryIsWholeOrAbsent) {
    Offer offer = skylake();
    offer.secondary &= ~(static_cast<u64>(vmx::SECONDARY_APIC_REGISTERS) << 32);
    const char* why = nullptr;
    const auto controls = vmx::choose_controls(offer, &why);
    ASSERT_TRUE(controls.ok()) << why;
    EXPECT_FALSE(vmx::delivers_interrupts(*controls));
    EXPECT_EQ(controls->secondary & vmx::SECONDARY_X2APIC_MODE, 0u);
}

TEST(VmxControls, GuestsNeverStartInLongModeByAccident) {
    const char* why = nullptr;
    const auto controls = vmx::choose_controls(skylake(), &why);
    ASSERT_TRUE(controls.ok()) << why;
    EXPECT_EQ(controls->entry & vmx::ENTRY_IA32E_GUEST, 0u);
    EXPECT_EQ(controls->exit & vmx::EXIT_ACKNOWLEDGE_INTERRUPT, 0u);
    EXPECT_EQ(controls->primary & vmx::PRIMARY_CR3_LOAD_EXITING, 0u);
}

TEST(VmxCapabilities, EachAbsenceHasItsSentence) {
    EXPECT_NE(refusal(Offer{}).find("no VMX"), std::string_view::npos);

    Offer locked = skylake();
    locked.feature_control = 1;
    EXPECT_NE(refusal(locked).find("firmware has locked VMX off"), std::string_view::npos);

    Offer flat = skylake();
    flat.secondary &= ~(static_cast<u64>(vmx::SECONDARY_EPT) << 32);
    EXPECT_NE(refusal(flat).find("no EPT"), std::string_view::npos);

    Offer nehalem = skylake();
    nehalem.secondary &= ~(static_cast<u64>(vmx::SECONDARY_UNRESTRICTED_GUEST) << 32);
    EXPECT_NE(refusal(nehalem).find("no unrestricted guest"), std::string_view::npos);

    Offer no_timer = skylake();
    no_timer.pin &= ~(static_cast<u64>(vmx::PIN_PREEMPTION_TIMER) << 32);
    EXPECT_NE(refusal(no_timer).find("controls that are needed"), std::string_view::npos);

    Offer no_walk = skylake();
    no_walk.ept_vpid &= ~static_cast<u64>(vmx::CAP_WALK_4);
    EXPECT_NE(refusal(no_walk).find("four-level"), std::string_view::npos);
}

TEST(VmxCapabilities, UnlockedFirmwareIsNoObstacle) {
    Offer offer = skylake();
    offer.feature_control = 0;
    const char* why = nullptr;
    EXPECT_TRUE(vmx::judge(offer, &why).ok()) << why;
}

TEST(VmxMasks, TheGuestBelievesWhatItWrote) {
    const u64 wished = x86::CR0_PE | x86::CR0_CD | x86::CR0_NW;
    const u64 real = vmx::real_cr0(wished);
    EXPECT_EQ(real, static_cast<u64>(x86::CR0_PE | x86::CR0_NE));
    EXPECT_EQ(vmx::believed(real, wished, vmx::cr0_host_owned), wished);

    const u64 cr4 = vmx::real_cr4(x86::CR4_PAE);
    EXPECT_EQ(cr4, static_cast<u64>(x86::CR4_PAE | x86::CR4_VMXE | x86::CR4_MCE));
    EXPECT_EQ(vmx::believed(cr4, x86::CR4_PAE, vmx::cr4_host_owned),
              static_cast<u64>(x86::CR4_PAE));
}

}  // namespace
}  // namespace hv

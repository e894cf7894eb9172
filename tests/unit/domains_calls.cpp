// Every hypercall but memory_op: what a guest may ask, what only dom0 may, and garbage.
#include <random>
#include <set>
#include <unit/small_machine.hpp>
#include <xen/hvm/params.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

using namespace hv;
using namespace hv::test;

namespace {

class Calls : public ::testing::Test {
protected:
    SmallMachine small;
    Domain& dom0 = small.add_domain();
    Domain& guest = small.add_domain();
};

TEST_F(Calls, SayTheyAreXen417) {
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {XENVER_version}), 0x40011);
    xen_feature_info_t features{0, 0};
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_xen_version, XENVER_get_features, features), 0);
    EXPECT_EQ(features.submap, 0x12305u) << "what Xen 4.17 answers a PVH domU";
    features.submap_idx = 1;
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_xen_version, XENVER_get_features, features),
              -XEN_EINVAL);
    xen_commandline_t line{};
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_xen_version, XENVER_commandline, line), 0);
    EXPECT_STREQ(line, "<denied>");
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {XENVER_build_id, 0}), -XEN_EPERM);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {99}), -XEN_ENOSYS);
}

TEST_F(Calls, FaultOnMemoryThatIsNotThere) {
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {XENVER_extraversion, 0x7fffffff000}),
              -XEN_EFAULT);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {XENVER_extraversion, 2 * MiB - 4}),
              -XEN_EFAULT) << "the last page ends in the middle of the answer";
}

TEST_F(Calls, CrossPagesWhenTheyMust) {
    EXPECT_EQ(small.call(guest, __HYPERVISOR_xen_version, {XENVER_capabilities, 0x8fe0}), 0);
    EXPECT_EQ(small.at(guest, 0x8fe0)[0], 'h');
    EXPECT_EQ(small.at(guest, 0x9000)[0], "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0"[0x20]);
}

TEST_F(Calls, RefuseTheToolstacksWorkInXensOrder) {
    auto unknown = domctl_of(XEN_DOMCTL_pausedomain, 77);
    EXPECT_EQ(small.domctl(guest, unknown), -XEN_ESRCH) << "first: is there such a domain?";
    auto known = domctl_of(XEN_DOMCTL_pausedomain, dom0.id);
    EXPECT_EQ(small.domctl(guest, known), -XEN_EPERM);
    known.interface_version = 0x14;
    EXPECT_EQ(small.domctl(guest, known), -XEN_EACCES);
    xen_sysctl_t op{};
    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    small.put(guest, 0x8000, op);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_sysctl, {0x8000}), -XEN_EPERM);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_console_io, {CONSOLEIO_write, 1, 0x8000}), -XEN_EPERM);
}

TEST_F(Calls, RunAMulticallEntryByEntry) {
    multicall_entry_t entries[3] = {{__HYPERVISOR_xen_version, 0, {XENVER_version}},
                                    {63, 0, {}},
                                    {__HYPERVISOR_multicall, 0, {}}};
    small.put(guest, 0x8000, entries);
    small.hurry = true;
    EXPECT_EQ(small.call(guest, __HYPERVISOR_multicall, {0x8000, 3}), 0);
    EXPECT_EQ(small.repeats, 2u);
    small.get(guest, 0x8000, entries);
    EXPECT_EQ(entries[0].result, 0x40011u);
    EXPECT_EQ(static_cast<s64>(entries[1].result), -XEN_ENOSYS);
    EXPECT_EQ(static_cast<s64>(entries[2].result), -XEN_EINVAL) << "no multicall in a multicall";
}

TEST_F(Calls, KeepParametersByXensRules) {
    const auto exchange = [&](Domain& caller, unsigned operation, DomainId domain, u32 index,
                              u64& value) {
        xen_hvm_param_t wish{domain, 0, index, value};
        const s64 result = small.call_with(caller, __HYPERVISOR_hvm_op, operation, wish);
        value = wish.value;
        return result;
    };
    u64 value = 0xfefff;
    EXPECT_EQ(exchange(guest, HVMOP_set_param, DOMID_SELF, HVM_PARAM_CONSOLE_PFN, value),
              -XEN_EPERM);
    EXPECT_EQ(exchange(dom0, HVMOP_set_param, guest.id, HVM_PARAM_CONSOLE_PFN, value), 0);
    value = 0;
    EXPECT_EQ(exchange(guest, HVMOP_get_param, DOMID_SELF, HVM_PARAM_CONSOLE_PFN, value), 0);
    EXPECT_EQ(value, 0xfefffu);
    EXPECT_EQ(exchange(guest, HVMOP_get_param, dom0.id, HVM_PARAM_CONSOLE_PFN, value), -XEN_EPERM);
    EXPECT_EQ(exchange(guest, HVMOP_get_param, 55, HVM_PARAM_CONSOLE_PFN, value), -XEN_ESRCH);
    EXPECT_EQ(exchange(guest, HVMOP_get_param, DOMID_SELF, HVM_NR_PARAMS, value), -XEN_EINVAL);
    value = 9;
    EXPECT_EQ(exchange(dom0, HVMOP_set_param, guest.id, HVM_PARAM_TIMER_MODE, value), -XEN_EINVAL);
}

TEST_F(Calls, ShowThePageOfHypercalls) {
    u8 page[page_size];
    fill_hypercall_page(page, "VMX");
    const u8 twelfth[] = {0xb8, 12, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3};
    EXPECT_EQ(__builtin_memcmp(page + 12 * 32, twelfth, sizeof twelfth), 0);
    fill_hypercall_page(page, "SVM");
    EXPECT_EQ(page[12 * 32 + 7], 0xd9);
}

TEST_F(Calls, MoveVcpuInfoOnceAndLoseNoEvent) {
    vcpu_register_vcpu_info_t wish{0x30, 0x40, 0};
    guest.vcpus[0]->info->abi.evtchn_pending_sel = 4;
    EXPECT_EQ(small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 1, 0x8000}),
              -XEN_ENOENT);
    const auto move = [&] {
        small.put(guest, 0x8000, wish);
        return small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, 0x8000});
    };
    wish.offset = page_size - 32;
    EXPECT_EQ(move(), -XEN_ENXIO) << "it would cross a page";
    wish.offset = 0x40;
    EXPECT_EQ(move(), 0);
    EXPECT_EQ(move(), -XEN_EINVAL) << "only once";
    vcpu_info_t info;
    small.get(guest, 0x30040, info);
    EXPECT_EQ(info.evtchn_upcall_pending, 1);
    EXPECT_EQ(info.evtchn_pending_sel, ~0ull);
    EXPECT_NE(info.time.tsc_to_system_mul, 0u);
    EXPECT_EQ(info.time.version % 2, 0u);
}

TEST_F(Calls, TellTheAccountInBothLayouts) {
    small.machine().clock.hosted_ticks = 2'400'000;  // one millisecond
    vcpu_runstate_info_t wide;
    EXPECT_EQ(small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_get_runstate_info, 0, 0x8000}), 0);
    small.get(guest, 0x8000, wide);
    EXPECT_EQ(wide.state, RUNSTATE_offline);
    EXPECT_NEAR(static_cast<double>(wide.time[RUNSTATE_offline]), 1e6, 2);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_get_runstate_info, 0, 0x8000}, false),
              0);
    u64 offline = 0;
    small.get(guest, 0x8000 + 12 + 8 * RUNSTATE_offline, offline);
    EXPECT_EQ(offline, wide.time[RUNSTATE_offline]) << "no padding after the state";
}

TEST_F(Calls, EndTheDomainThatSaysSo) {
    sched_shutdown_t wish{SHUTDOWN_reboot};
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_shutdown, wish), 0);
    EXPECT_EQ(guest.life.load(), Life::shut_down);
    auto ask = domctl_of(XEN_DOMCTL_getdomaininfo, guest.id);
    EXPECT_EQ(small.domctl(dom0, ask), 0);
    EXPECT_TRUE(ask.u.getdomaininfo.flags & XEN_DOMINF_shutdown);
    EXPECT_EQ(ask.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
              u32{SHUTDOWN_reboot});
    sched_remote_shutdown_t remote{dom0.id, SHUTDOWN_crash};
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, remote),
              -XEN_EPERM);
}

TEST_F(Calls, ListDomainsAndTheirEnd) {
    auto ask = domctl_of(XEN_DOMCTL_getdomaininfo, 1);
    EXPECT_EQ(small.domctl(dom0, ask), 0);
    EXPECT_EQ(ask.domain, guest.id);
    EXPECT_EQ(ask.u.getdomaininfo.tot_pages, 512u);
    EXPECT_TRUE(ask.u.getdomaininfo.flags & XEN_DOMINF_paused);
    ask = domctl_of(XEN_DOMCTL_getdomaininfo, 2);
    EXPECT_EQ(small.domctl(dom0, ask), -XEN_ESRCH);
}

TEST_F(Calls, TellWhatAVcpuIsDoing) {
    auto ask = domctl_of(XEN_DOMCTL_getvcpuinfo, guest.id);
    ASSERT_EQ(small.domctl(dom0, ask), 0);
    const xen_domctl_getvcpuinfo& info = ask.u.getvcpuinfo;
    EXPECT_EQ(info.online, !guest.vcpus[0]->down.load());
    EXPECT_EQ(info.blocked, guest.vcpus[0]->blocked.load() != Blocked::no);
    EXPECT_EQ(info.running, guest.vcpus[0]->running.load());
    ask.u.getvcpuinfo.vcpu = guest.vcpu_limit;
    EXPECT_EQ(small.domctl(dom0, ask), -XEN_EINVAL) << "beyond its limit";
}

TEST_F(Calls, CreateAndDestroyManyDomainsAndGetEveryFrameBack) {
    const u64 free = small.machine().frames.free_count();
    for (unsigned round = 0; round < 1000; ++round) {
        auto create = domctl_of(XEN_DOMCTL_createdomain, 0);
        create.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        create.u.createdomain.max_vcpus = 2;
        create.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
        ASSERT_EQ(small.domctl(dom0, create), 0) << "round " << round;
        auto vcpus = domctl_of(XEN_DOMCTL_max_vcpus, create.domain);
        vcpus.u.max_vcpus.max = 2;
        ASSERT_EQ(small.domctl(dom0, vcpus), 0);
        auto memory = domctl_of(XEN_DOMCTL_max_mem, create.domain);
        memory.u.max_mem.max_memkb = 64;
        ASSERT_EQ(small.domctl(dom0, memory), 0);
        xen_memory_reservation_t wish{};
        wish.extent_start.p = reinterpret_cast<xen_pfn_t*>(0xa000);
        wish.nr_extents = 16;
        wish.domid = create.domain;
        for (u64 i = 0; i < 16; ++i)
            small.put(dom0, 0xa000 + i * 8, xen_pfn_t{round % 2 ? i : i << 12});
        ASSERT_EQ(small.call_with(dom0, __HYPERVISOR_memory_op, XENMEM_populate_physmap, wish), 16);
        auto destroy = domctl_of(XEN_DOMCTL_destroydomain, create.domain);
        ASSERT_EQ(small.domctl(dom0, destroy), 0);
    }
    EXPECT_EQ(small.machine().frames.free_count(), free);
}

TEST(TwoMachines, NeverMeet) {
    SmallMachine one, other;
    Domain& here = one.add_domain();
    const u64 free = other.machine().frames.free_count();
    EXPECT_FALSE(find_domain(other.machine(), here.id));
    Domain& there = other.add_domain();
    EXPECT_EQ(here.id, there.id) << "each has its own dom0";

    Domain& guest = one.add_domain();
    Domain& its_twin = other.add_domain();
    sched_shutdown_t wish{SHUTDOWN_poweroff};
    EXPECT_EQ(one.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_shutdown, wish), 0);
    EXPECT_EQ(guest.life.load(), Life::shut_down);
    EXPECT_NE(its_twin.life.load(), Life::shut_down);
    EXPECT_LT(other.machine().frames.free_count(), free);
}

/// The answers that a guest may get to garbage: success, a small count, or one of Xen's errors.
TEST_F(Calls, AnswerGarbageOfEveryNumberAndNothingMore) {
    std::mt19937_64 dice{1966};
    const u64 poles[] = {0, 1, 5, 0x8000, 0x7ff0, 0x7fff, 0x7ffffffff,
                         ~0ull, 0xfffff000, 1ull << 63};
    const auto garbage = [&] {
        return dice() % 3 == 0 ? dice() : poles[dice() % std::size(poles)] + dice() % 8;
    };
    const u64 frames_before = dom0.frames_owned;
    for (unsigned round = 0; round < 1280 && guest.life.load() <= Life::alive; ++round) {
        if (!guest.p2m.look_up(Gfn{8}).ok()) {
            ASSERT_TRUE(give_ram(guest, Gfn{8}, 0).ok()) << "it gave its own page away";
        }
        for (u64 word = 0; word < 24; ++word)
            small.put(guest, 0x8000 + word * 8, garbage());
        const unsigned number = round % 64;
        const u64 first = dice() % 4 ? dice() % 64 : garbage();
        // Its own end is a guest's good right, but it would end the test
        if (number == __HYPERVISOR_sched_op ||
            (number == __HYPERVISOR_vcpu_op && static_cast<u32>(first) == VCPUOP_down))
            continue;
        small.hurry = dice() % 2;
        const std::array<u64, 6> arguments{first,     dice() % 2 ? 0x8000 : garbage(), garbage(),
                                           garbage(), garbage(),                       garbage()};
        const s64 result = small.call(guest, number, arguments, dice() % 2);
        ASSERT_GE(result, -1000) << "number " << number << " of round " << round;
    }
    EXPECT_EQ(dom0.frames_owned, frames_before);
    EXPECT_LE(guest.frames_owned, guest.frames_limit);
}

}  // namespace

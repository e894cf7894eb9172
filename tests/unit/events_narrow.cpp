// What 32-bit code hands over and finds: every argument that it lays out otherwise, and the shared
// page. tests/oracle asks real Xen the same from 32-bit and from unpaged code.
#include <cstring>
#include <grants/grant_table.hpp>
#include <unit/events_guests.hpp>
#include <xen/foreign/x86_32.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

using namespace hv;
using namespace hv::test;

namespace {

// What lies at the same place in both layouts is read and written by the 64-bit one
static_assert(sizeof(vcpu_info_x86_32_t) == sizeof(vcpu_info_t));
static_assert(sizeof(evtchn_status_t) == 24 && sizeof(evtchn_init_control_t) == 24);
static_assert(sizeof(xen_hvm_param_t) == 16 && sizeof(xen_hvm_evtchn_upcall_vector_t) == 8);
static_assert(sizeof(gnttab_query_size_t) == 16 && sizeof(vcpu_register_vcpu_info_t) == 16);
static_assert(sizeof(xen_feature_info_t) == 8 && sizeof(vcpu_time_info_t) == 32);

constexpr u64 argument_at = 0x8000, list_at = 0x4000;

class NarrowCalls : public EventGuests {
protected:
    /// A call from 32-bit code; what its registers hold above 32 bits means nothing.
    s64 narrow(unsigned number, u32 a, u32 b = 0, u32 c = 0, u32 d = 0) {
        constexpr u64 noise = 0xdead'beef'0000'0000;
        return small.call(guest, number, {noise | a, noise | b, noise | c, noise | d, noise, noise},
                          false);
    }
    /// Lays 32-bit words at `at`, with ones behind them, which nobody may take for a part of them.
    void lay(u64 at, std::initializer_list<u32> words) {
        for (u32 word : words) {
            small.put(guest, at, word);
            at += 4;
        }
        small.put(guest, at, ~0ull);
    }
    u32 word(u64 at) {
        u32 value = 0;
        small.get(guest, at, value);
        return value;
    }
    s64 memory(u32 operation) { return narrow(__HYPERVISOR_memory_op, operation, argument_at); }
    s64 vcpu(u32 operation) { return narrow(__HYPERVISOR_vcpu_op, operation, 0, argument_at); }
    void set_callback(bool wide) {
        xen_hvm_param_t wish{DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 0};
        small.put(guest, argument_at, wish);
        EXPECT_EQ(small.call(guest, __HYPERVISOR_hvm_op, {HVMOP_set_param, argument_at}, wide), 0);
    }
    shared_info_x86_32_t& shared() {
        const Mpa at = address_of(guest.shared_info_frame);
        return *small.machine().memory.as<shared_info_x86_32_t>(at);
    }

    bool grants_opened = grants::plug.open(small.machine(), small.cpu()).ok();
    Domain& guest = small.add_domain();  // one that has a grant table
};

TEST_F(NarrowCalls, ReserveMemoryExtentByExtent) {
    lay(list_at, {0x40, 0x41, 0x42});
    lay(argument_at, {list_at, 3, 0, 0, DOMID_SELF});
    const u64 owned = guest.frames_owned;
    EXPECT_EQ(memory(XENMEM_decrease_reservation), 3);
    EXPECT_EQ(guest.frames_owned, owned - 3);
    EXPECT_FALSE(guest.p2m.look_up(Gfn{0x42}).ok());
    small.hurry = true;
    EXPECT_EQ(memory(XENMEM_populate_physmap), 3);
    EXPECT_EQ(small.repeats, 2u) << "where it goes on stands in ECX";
    EXPECT_TRUE(guest.p2m.look_up(Gfn{0x42}).ok());
}

TEST_F(NarrowCalls, PlaceMoveAndRemovePages) {
    lay(argument_at, {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x500});
    EXPECT_EQ(memory(XENMEM_add_to_physmap), 0);
    EXPECT_EQ(guest.p2m.look_up(Gfn{0x500})->frame, guest.shared_info_frame);
    lay(argument_at, {DOMID_SELF, 0x500});
    EXPECT_EQ(memory(XENMEM_remove_from_physmap), 0);
    EXPECT_FALSE(guest.p2m.look_up(Gfn{0x500}).ok());

    // Domain and space in one word, size and foreign domain in the next, then three lists
    lay(list_at, {0, 1});
    lay(list_at + 0x100, {0x500, 0x501});
    lay(list_at + 0x200, {77, 77});
    lay(argument_at, {DOMID_SELF | XENMAPSPACE_shared_info << 16, 2, list_at, list_at + 0x100,
                      list_at + 0x200});
    EXPECT_EQ(memory(XENMEM_add_to_physmap_batch), 0);
    EXPECT_EQ(word(list_at + 0x200), 0u);
    EXPECT_EQ(static_cast<int>(word(list_at + 0x204)), -XEN_EINVAL);
    EXPECT_EQ(guest.p2m.look_up(Gfn{0x500})->frame, guest.shared_info_frame);
}

TEST_F(NarrowCalls, ReadTheMemoryMap) {
    const struct {
        u16 domain, padding[3];
        u32 lines, more;
        u64 buffer;
    } told = {guest.id, {}, 2, 0, list_at};
    u8 lines[40];
    for (u8 i = 0; i < sizeof lines; ++i)
        lines[i] = i;
    small.put(dom0, list_at, lines);
    small.put(dom0, argument_at, told);
    EXPECT_EQ(small.call(dom0, __HYPERVISOR_memory_op, {XENMEM_set_memory_map, argument_at}), 0);

    lay(argument_at, {9, list_at});
    EXPECT_EQ(memory(XENMEM_memory_map), 0);
    EXPECT_EQ(word(argument_at), 2u);
    EXPECT_EQ(memcmp(small.at(guest, list_at), lines, sizeof lines), 0);
}

TEST_F(NarrowCalls, RunAMulticallOf32ByteEntries) {
    lay(list_at, {__HYPERVISOR_xen_version, 77, XENVER_version, 0, 0, 0, 0, 0,
                  __HYPERVISOR_memory_op, 77, 63, 0, 0, 0, 0, 0});
    small.hurry = true;
    EXPECT_EQ(narrow(__HYPERVISOR_multicall, list_at, 2), 0);
    EXPECT_EQ(small.repeats, 1u);
    EXPECT_EQ(word(list_at + 4), 0x40011u);
    EXPECT_EQ(static_cast<int>(word(list_at + 36)), -XEN_ENOSYS);
}

TEST_F(NarrowCalls, TakeTimesFromTwoRegistersAndFromTwelveBytes) {
    VcpuTimer& timer = guest.vcpus[0]->singleshot;
    EXPECT_EQ(narrow(__HYPERVISOR_set_timer_op, 0x89abcdef, 0x01234567), 0);
    EXPECT_EQ(timer.deadline, 0x0123456789abcdefu);
    // Up to the last byte of its memory: the padding of the 64-bit layout is not there
    const u64 end = 2 * MiB;
    small.put(guest, end - 12, u64{0x0011223344556677});
    small.put(guest, end - 4, u32{0});
    EXPECT_EQ(narrow(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, u32(end - 12)), 0);
    EXPECT_EQ(timer.deadline, 0x0011223344556677u);
    TimerQueue::cancel(timer);
}

TEST_F(NarrowCalls, PollPortsOfAListOfWords) {
    const u32 port = ipi(guest);
    lay(list_at, {port});
    lay(argument_at, {list_at, 1, 1, 0});
    EXPECT_EQ(narrow(__HYPERVISOR_sched_op, SCHEDOP_poll, argument_at), 0) << "that time is past";
    lay(list_at, {5000});
    EXPECT_EQ(narrow(__HYPERVISOR_sched_op, SCHEDOP_poll, argument_at), -XEN_EINVAL);
}

TEST_F(NarrowCalls, SetUpAGrantTable) {
    grants_of(guest).limit = 8;
    lay(list_at, {1, 2, 3});
    lay(argument_at, {DOMID_SELF, 2, 0x7777'7777, list_at});
    EXPECT_EQ(narrow(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, argument_at, 1), 0);
    EXPECT_EQ(word(argument_at + 8), 0x7777'0000u) << "the status: two bytes, and no more";
    EXPECT_EQ(word(list_at), ~0u);
    EXPECT_EQ(word(list_at + 4), ~0u);
    EXPECT_EQ(word(list_at + 8), 3u);
    EXPECT_EQ(grants_of(guest).frame_count, 2u);
}

TEST_F(NarrowCalls, RegisterAreasByFourBytes) {
    for (const u32 operation : {VCPUOP_register_runstate_memory_area,
                                VCPUOP_register_vcpu_time_memory_area}) {
        lay(argument_at, {list_at});
        EXPECT_EQ(vcpu(operation), 0);
    }
    EXPECT_EQ(guest.vcpus[0]->runstate_area, list_at);
    EXPECT_EQ(guest.vcpus[0]->time_area, list_at);
}

TEST_F(NarrowCalls, KeepTheAccountInTheLatchedLayout) {
    lay(argument_at, {list_at});
    for (const bool wide : {false, true}) {
        set_callback(wide);
        lay(argument_at, {list_at});
        for (u64 i = 0; i < 48; i += 8)
            small.put(guest, list_at + i, ~0ull);
        EXPECT_EQ(vcpu(VCPUOP_register_runstate_memory_area), 0);
        EXPECT_EQ(word(list_at + 44), ~0u) << "at once it is as its caller lays it out";
        runstate_changed(*guest.vcpus[0]);
        EXPECT_EQ(word(list_at + 44) != ~0u, wide);
    }
}

TEST_F(NarrowCalls, TellWhereThePlatformBeginsInFourBytes) {
    lay(argument_at, {77, 78});
    EXPECT_EQ(narrow(__HYPERVISOR_xen_version, XENVER_platform_parameters, argument_at), 0);
    EXPECT_EQ(word(argument_at), 0u);
    EXPECT_EQ(word(argument_at + 4), 78u);
}

TEST_F(NarrowCalls, LatchTheSharedPageByTheCallbackAlone) {
    set_callback(false);
    EXPECT_EQ(shared().wc_sec, 1'790'000'000u);
    EXPECT_EQ(shared().arch.wc_sec_hi, 0u);
    xen_hvm_evtchn_upcall_vector_t wish{0, 0x60};
    small.put(guest, argument_at, wish);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_hvm_op,
                         {HVMOP_set_evtchn_upcall_vector, argument_at}), 0);
    EXPECT_FALSE(guest.wide_shared_info) << "as on Xen: the vector chooses no layout";
}

TEST_F(NarrowCalls, FindEventsInWordsOf32Bits) {
    set_callback(false);
    u32 port = 0;
    while (port < 40)
        port = ipi(guest);
    EXPECT_EQ(send(guest, port), 0);
    vcpu_info_x86_32_t& info = shared().vcpu_info[0];
    EXPECT_EQ(info.evtchn_upcall_pending, 1);
    EXPECT_EQ(info.evtchn_pending_sel, 1u << port / 32);
    EXPECT_EQ(shared().evtchn_pending[port / 32], 1u << port % 32);

    info.evtchn_upcall_pending = 0;
    info.evtchn_pending_sel = 0;
    shared().evtchn_pending[port / 32] = 0;
    shared().evtchn_mask[port / 32] = 1u << port % 32;
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(info.evtchn_upcall_pending, 0) << "masked where 32-bit code masks";
    EXPECT_EQ(unmask(guest, port), 0);
    EXPECT_EQ(info.evtchn_upcall_pending, 1);
    EXPECT_EQ(shared().evtchn_mask[port / 32], 0u);
}

TEST_F(NarrowCalls, AlignVcpuInfoForItsLayout) {
    for (const bool wide : {true, false}) {
        set_callback(wide);
        small.put(guest, argument_at, vcpu_register_vcpu_info_t{1ull << 35, 0x44, 0});
        EXPECT_EQ(vcpu(VCPUOP_register_vcpu_info), wide ? -XEN_ENXIO : -XEN_EINVAL)
            << "the place is looked at first, and then whether there is memory";
    }
}

TEST_F(NarrowCalls, TakeVcpuInfoAtAMultipleOfFour) {
    set_callback(false);
    small.put(guest, argument_at, vcpu_register_vcpu_info_t{0x30, 0x44, 0});
    ASSERT_EQ(vcpu(VCPUOP_register_vcpu_info), 0);
    small.put(guest, 0x30044, u64{0});  // the upcall and its selector, which are set at first
    EXPECT_EQ(send(guest, ipi(guest)), 0);
    EXPECT_EQ(word(0x30044) & 0xff, 1u);
    const u32 version = word(0x30044 + offsetof(vcpu_info_x86_32_t, time.version));
    EXPECT_TRUE(version != 0 && version % 2 == 0) << version;
}

}  // namespace

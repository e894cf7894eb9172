// What is shared takes the layout of the code that set it up: which calls change it, and to what.
#include "narrow.hpp"

#include <kit/apic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/heap.hpp>
#include <kit/traps.hpp>
#include <xen/foreign/x86_32.h>

namespace oracle {
namespace {

shared_info_x86_32_t& narrow_page() {
    return reinterpret_cast<shared_info_x86_32_t&>(shared());
}

/// Puts away both wall clocks, lets `act` write one of them anew, and says which.
template <class Act> std::string_view clock_written_by(Act act) {
    shared().wc_sec = 0;
    narrow_page().wc_sec = 0;
    act();
    if (shared().wc_sec != 0) return narrow_page().wc_sec != 0 ? "both" : "wide";
    return narrow_page().wc_sec != 0 ? "narrow" : "none";
}

long set_callback_param(bool narrowly) {
    xen_hvm_param argument = {DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 0};
    if (narrowly) return narrow(__HYPERVISOR_hvm_op, HVMOP_set_param, low(&argument));
    return hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, address(&argument));
}

long set_vector(bool narrowly) {
    xen_hvm_evtchn_upcall_vector argument = {0, 0x60};
    constexpr u32 command = HVMOP_set_evtchn_upcall_vector;
    if (narrowly) return narrow(__HYPERVISOR_hvm_op, command, low(&argument));
    return hypercall(__HYPERVISOR_hvm_op, command, address(&argument));
}

constexpr u32 hypercall_page_msr = 0x40000000;

void ask_who_latches() {
    const u32 page = low(take_pages(1));
    const auto name = [](std::string_view what) {
        return words("layouts.{}: {}", narrow_mode(), what);
    };
    tell(name("callback parameter").view(), clock_written_by([] { set_callback_param(true); }));
    tell(name("callback parameter, 64-bit code").view(),
         clock_written_by([] { set_callback_param(false); }));
    tell(name("hypercall page").view(),
         clock_written_by([=] { narrow_wrmsr(hypercall_page_msr, page); }));
    tell(name("hypercall page, 64-bit code").view(),
         clock_written_by([=] { wrmsr(hypercall_page_msr, page); }));
    tell(name("vector").view(), clock_written_by([] { set_vector(true); }));
    tell(name("vector, 64-bit code").view(), clock_written_by([] { set_vector(false); }));
    set_callback_param(false);
    tell(name("parameter read").view(), clock_written_by([] {
             xen_hvm_param argument = {DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 0};
             (void)narrow(__HYPERVISOR_hvm_op, HVMOP_get_param, low(&argument));
         }));
}

/// A port of its own, and its far end, that is above 40: not in the first word of 32 bits.
u32 high_loopback() {
    for (;;) {
        const u32 port = alloc_unbound(DOMID_SELF, DOMID_SELF).value_or(0);
        const u32 near = bind_interdomain(DOMID_SELF, port).value_or(0);
        if (port > 40) return near;
    }
}

void clear_events() {
    memset(&shared().evtchn_pending, 0, 2 * sizeof shared().evtchn_pending);
    auto& vcpu = shared().vcpu_info[0];
    memset(&vcpu, 0, offsetof(vcpu_info, arch));
}

/// An event that is sent in this layout: where its bits are.
void ask_bits(std::string_view layout, u32 near, u32 far) {
    const auto name = [=](std::string_view what) { return words("layouts.{}: {}", layout, what); };
    const auto& wide_vcpu = shared().vcpu_info[0];
    const auto& narrow_vcpu = narrow_page().vcpu_info[0];
    clear_events();
    send_event(near);
    tell(name("pending byte").view(), unsigned{wide_vcpu.evtchn_upcall_pending});
    tell(name("selector, 64 bits").view(), hex(wide_vcpu.evtchn_pending_sel));
    tell(name("selector, 32 bits").view(),
         narrow_vcpu.evtchn_pending_sel == 1u << far / 32 ? "its word" : "no word");
    tell(name("pending bit").view(), take_pending(far));

    clear_events();
    narrow_page().evtchn_mask[far / 32] = 1u << far % 32;
    send_event(near);
    tell(name("masked in 32 bits").view(), unsigned{wide_vcpu.evtchn_upcall_pending});
    clear_events();
    shared().evtchn_mask[far / 64] = 1ull << far % 64;
    send_event(near);
    tell(name("masked in 64 bits").view(), unsigned{wide_vcpu.evtchn_upcall_pending});
    evtchn_unmask unmask = {far};
    (void)hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, address(&unmask));
    tell(name("unmasked: bit of 64").view(), shared().evtchn_mask[far / 64] != 0);
    tell(name("time is shown").view(), wide_vcpu.time.system_time != 0);
    clear_events();
}

u32 far_end(u32 near) {
    evtchn_status status = {};
    status.dom = DOMID_SELF;
    status.port = near;
    (void)hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, address(&status));
    return status.u.interdomain.port;
}

/// A place for vcpu_info that is aligned for one layout only: which error comes first?
void ask_alignment(std::string_view layout) {
    vcpu_register_vcpu_info wish = {1ull << 35, 4, 0};
    tell(words("layouts.{}: vcpu_info at 4", layout).view(),
         hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, address(&wish)));
    wish.offset = 2;
    tell(words("layouts.{}: vcpu_info at 2", layout).view(),
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, low(&wish)));
}

constexpr u8 timer_vector = 0x61;
constinit volatile bool ticked = false;

/// Sleeps for a moment, so that the account is shown anew.
void sleep_a_moment() {
    ticked = false;
    apic_timer_once(timer_vector, 2'000'000);
    while (!ticked)
        sleep_until_interrupt();
}

/// The layouts of vcpu_runstate_info end at 44 and at 48 bytes.
std::string_view layout_of(const u8 (&area)[48]) {
    u32 start, last;
    memcpy(&start, area, 4);
    memcpy(&last, area + 44, 4);
    if (start == ~0u) return "not written";
    return last == ~0u ? "32-bit" : "64-bit";
}

void ask_accounts(std::string_view layout) {
    alignas(8) static u8 area[48];
    for (const bool narrowly : {false, true}) {
        const auto name = [=](std::string_view what) {
            return words("layouts.{}: runstate {}, {} code", layout, what,
                         narrowly ? "32-bit" : "64-bit");
        };
        const u64 wide_wish = address(area);
        const u32 narrow_wish[] = {low(area), 0x12345678};  // the second word is not read
        const u32 command = VCPUOP_register_runstate_memory_area;
        memset(area, 0xff, sizeof area);
        tell(name("area").view(),
             narrowly ? narrow(__HYPERVISOR_vcpu_op, command, 0, low(narrow_wish))
                      : hypercall(__HYPERVISOR_vcpu_op, command, 0, address(&wide_wish)));
        tell(name("at once").view(), layout_of(area));
        memset(area, 0xff, sizeof area);
        sleep_a_moment();
        tell(name("later").view(), layout_of(area));
        u64 none = 0;
        (void)hypercall(__HYPERVISOR_vcpu_op, command, 0, address(&none));
    }
    static vcpu_time_info time;
    const u32 wish[] = {low(&time), 0x12345678};
    time = {};
    tell(words("layouts.{}: time area, 32-bit code", layout).view(),
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, low(wish)));
    tell(words("layouts.{}: time area: shown", layout).view(), time.system_time != 0);
    u64 none = 0;
    (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, address(&none));
}

}  // namespace

void ask_layouts() {
    if (!clock_init().ok()) return;
    apic_init();
    on_trap(timer_vector, [](TrapFrame& frame) {
        ticked = true;
        end_sleep(frame);
        apic_end_of_interrupt();
    });
    on_trap(0x60, [](TrapFrame&) { apic_end_of_interrupt(); });
    ask_who_latches();
    set_narrow(Narrow::unpaged);
    ask_who_latches();
    set_narrow(Narrow::paged);

    const u32 near = high_loopback(), far = far_end(near);
    for (const bool narrowly : {true, false}) {
        set_callback_param(narrowly);
        const std::string_view layout = narrowly ? "latched to 32 bits" : "latched to 64 bits";
        ask_bits(layout, near, far);
        ask_alignment(layout);
        ask_accounts(layout);
    }
}

}  // namespace oracle

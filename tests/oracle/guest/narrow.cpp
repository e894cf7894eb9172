// The same hypercalls from 32-bit code: handles and longs of four bytes, the compat layouts.
#include "narrow.hpp"

#include "places.hpp"

#include <kit/cpu.hpp>
#include <kit/heap.hpp>

extern "C" {
hv::u32 narrow_call(hv::u32 code, const hv::u32 arguments[5]);
extern char narrow_wrmsr_code[];
extern hv::u32 kept_of_cr0;
}

namespace oracle {

namespace {

constexpr u32 kept[] = {0xffffffff, 0x7fffffff, 0x7ffffffe};  // CR0: all, less PG, less PE
constexpr std::string_view modes[] = {"narrow", "unpaged", "real_mode"};

}  // namespace

void set_narrow(Narrow mode) { kept_of_cr0 = kept[size_t(mode)]; }

std::string_view narrow_mode() {
    size_t mode = 0;
    while (kept[mode] != kept_of_cr0)
        mode++;
    return modes[mode];
}

long narrow(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e) {
    const u32 arguments[] = {a, b, c, d, e};
    return static_cast<int>(narrow_call(low(hypercall_page) + number * 32, arguments));
}

void narrow_wrmsr(u32 msr, u32 value) {
    const u32 arguments[] = {value, msr, 0, 0, 0};
    narrow_call(low(narrow_wrmsr_code), arguments);
}

namespace {

long memory(u32 command, const void* argument) {
    return narrow(__HYPERVISOR_memory_op, command, low(argument));
}

struct Reservation {
    u32 list, count, order, flags;
    u16 domain, padding = 0;
};

void ask_reservations() {
    auto* pages = static_cast<u8*>(take_pages(4));
    const u32 gfn = u32(address(pages) >> page_shift);
    const u32 list[] = {gfn, gfn + 1, gfn + 2, gfn + 3};
    const Reservation wish{low(list), 4, 0, 0, DOMID_SELF};
    tell_narrow("decrease", memory(XENMEM_decrease_reservation, &wish));
    tell_narrow("populate", memory(XENMEM_populate_physmap, &wish));
    tell_narrow("decrease, start 1", memory(XENMEM_decrease_reservation | 1 << 6, &wish));
    tell_narrow("populate, start 1", memory(XENMEM_populate_physmap | 1 << 6, &wish));
    const Reservation wrapped{low(list), ~0u, 0, 0, DOMID_SELF};
    tell_narrow("decrease, count of all ones", memory(XENMEM_decrease_reservation, &wrapped));
    const Reservation absent{u32(absent_page()), 4, 0, 0, DOMID_SELF};
    tell_narrow("decrease, absent list", memory(XENMEM_decrease_reservation, &absent));
    const u16 self = DOMID_SELF;
    tell_narrow("current_reservation: positive", memory(XENMEM_current_reservation, &self) > 0);
}

void ask_maps() {
    struct {
        u16 domain = DOMID_SELF, size = 0;
        u32 space, index, gfn;
    } add;
    add.space = XENMAPSPACE_grant_table;
    add.index = 0;
    add.gfn = 0x62000;
    tell_narrow("add_to_physmap", memory(XENMEM_add_to_physmap, &add));
    add.space = 9;
    tell_narrow("add_to_physmap, space 9", memory(XENMEM_add_to_physmap, &add));
    const struct {
        u16 domain;
        u32 gfn;
    } remove = {DOMID_SELF, 0x62000};
    tell_narrow("remove_from_physmap", memory(XENMEM_remove_from_physmap, &remove));
    const u32 indexes[] = {0, 64}, gfns[] = {0x62000, 0x62001};
    int errors[] = {77, 77};
    const struct {
        u16 domain, space, size, foreign;
        u32 indexes, gfns, errors;
    } batch = {DOMID_SELF, XENMAPSPACE_grant_table, 2, 0, low(indexes), low(gfns), low(errors)};
    tell_narrow("add_to_physmap_batch", memory(XENMEM_add_to_physmap_batch, &batch));
    tell_narrow("add_to_physmap_batch: first", errors[0]);
    tell_narrow("add_to_physmap_batch: second", errors[1]);
    u8 lines[20 * 32];
    u32 map[] = {32, low(lines)};
    tell_narrow("memory_map", memory(XENMEM_memory_map, map));
    tell_narrow("memory_map: lines", map[0]);
}

void ask_versions() {
    alignas(8) char buffer[1024] = {};
    const auto version = [&](u32 command) {
        return narrow(__HYPERVISOR_xen_version, command, low(buffer));
    };
    tell_narrow("version", hex(u64(version(XENVER_version))));
    tell_narrow("capabilities", version(XENVER_capabilities));
    memset(buffer, 0, sizeof buffer);
    tell_narrow("platform_parameters", version(XENVER_platform_parameters));
    u64 start;
    memcpy(&start, buffer, 8);
    tell_narrow("platform_parameters: virt_start", hex(start));
    memset(buffer, 0, sizeof buffer);
    tell_narrow("get_features", version(XENVER_get_features));
    memcpy(&start, buffer, 8);
    tell_narrow("get_features: bits", hex(start >> 32));
    tell_narrow("pagesize", narrow(__HYPERVISOR_xen_version, XENVER_pagesize, 0));
    tell_narrow("absent",
         narrow(__HYPERVISOR_xen_version, XENVER_get_features, u32(absent_page())));
}

void ask_multicall() {
    u32 list[2][8] = {{__HYPERVISOR_xen_version, 0x7777, XENVER_version},
                      {__HYPERVISOR_sched_op, 0x7777, SCHEDOP_yield}};
    tell_narrow("multicall", narrow(__HYPERVISOR_multicall, low(list), 2));
    tell_narrow("multicall: first", hex(list[0][1]));
    tell_narrow("multicall: second", hex(list[1][1]));
}

void ask_vcpu_op() {
    u32 runstate[11];
    memset(runstate, 0xff, sizeof runstate);
    tell_narrow("runstate",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, low(runstate)));
    tell_narrow("runstate: state", runstate[0]);
    u64 running;
    memcpy(&running, &runstate[3], 8);
    tell_narrow("runstate: has run", running > 0 && running < 1ull << 60);
    const u32 area[] = {low(runstate), 0};
    tell_narrow("runstate area",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, low(area)));
    const u32 none[] = {0, 0};
    (void)narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, low(none));
    const u32 timer[] = {0, 0x7fffffff, 0};
    tell_narrow("single shot",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, low(timer)));
    tell_narrow("single shot: stop", narrow(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0));
    tell_narrow("set_timer_op", narrow(__HYPERVISOR_set_timer_op, 0, 0x7fffffff));
    tell_narrow("set_timer_op: off", narrow(__HYPERVISOR_set_timer_op, 0, 0));
}

void ask_others() {
    evtchn_alloc_unbound unbound = {DOMID_SELF, 0, 0};
    tell_narrow("alloc_unbound",
         narrow(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, low(&unbound)));
    evtchn_close closing = {unbound.port};
    tell_narrow("close", narrow(__HYPERVISOR_event_channel_op, EVTCHNOP_close, low(&closing)));
    u32 frames[4] = {};
    u32 setup[4] = {DOMID_SELF, 1, 0, low(frames)};
    tell_narrow("setup_table",
         narrow(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, low(setup), 1));
    tell_narrow("setup_table: status", plain(s16(setup[2])));
    gnttab_query_size size = {DOMID_SELF, 0, 0, 77};
    tell_narrow("query_size",
         narrow(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, low(&size), 1));
    tell_narrow("query_size: status", plain(size.status));
    xen_hvm_param parameter = {DOMID_SELF, 0, HVM_PARAM_CONSOLE_PFN, 0};
    tell_narrow("get_param", narrow(__HYPERVISOR_hvm_op, HVMOP_get_param, low(&parameter)));
    tell_narrow("get_param: value", hex(parameter.value));
    evtchn_port_t ports[] = {0};
    const struct {
        u32 ports, count;
        u64 timeout;
    } poll = {low(ports), 1, 1};
    tell_narrow("poll", narrow(__HYPERVISOR_sched_op, SCHEDOP_poll, low(&poll)));
    tell_narrow("yield", narrow(__HYPERVISOR_sched_op, SCHEDOP_yield));
    tell_narrow("vm_assist", narrow(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 5));
}

/// Every operation of event channels, once.
void ask_event_channels() {
    const auto event = [](u32 operation, const void* argument) {
        return narrow(__HYPERVISOR_event_channel_op, operation, low(argument));
    };
    evtchn_alloc_unbound unbound = {DOMID_SELF, DOMID_SELF, 0};
    (void)event(EVTCHNOP_alloc_unbound, &unbound);
    evtchn_bind_interdomain pair = {DOMID_SELF, unbound.port, 0};
    tell_narrow("bind_interdomain", event(EVTCHNOP_bind_interdomain, &pair));
    evtchn_status status = {};
    status.dom = DOMID_SELF;
    status.port = pair.local_port;
    tell_narrow("status", event(EVTCHNOP_status, &status));
    tell_narrow("status: kind", status.status);
    tell_narrow("status: other end", status.u.interdomain.port == unbound.port);
    const evtchn_send send = {pair.local_port};
    tell_narrow("send", event(EVTCHNOP_send, &send));
    const evtchn_unmask unmask = {pair.local_port};
    tell_narrow("unmask", event(EVTCHNOP_unmask, &unmask));
    const evtchn_bind_vcpu place = {pair.local_port, 1};
    tell_narrow("bind_vcpu", event(EVTCHNOP_bind_vcpu, &place));
    evtchn_bind_virq virq = {VIRQ_TIMER, 0, 0};
    tell_narrow("bind_virq", event(EVTCHNOP_bind_virq, &virq));
    evtchn_bind_ipi ipi = {1, 0};
    tell_narrow("bind_ipi", event(EVTCHNOP_bind_ipi, &ipi));
    const evtchn_set_priority priority = {ipi.port, 3};
    tell_narrow("set_priority", event(EVTCHNOP_set_priority, &priority));
    const u64 page = address(take_pages(2)) >> page_shift;
    evtchn_init_control control = {page, 4, 0, 0, {}};
    tell_narrow("init_control: unaligned", event(EVTCHNOP_init_control, &control));
    control.offset = 0;
    tell_narrow("init_control", event(EVTCHNOP_init_control, &control));
    tell_narrow("init_control: link bits", unsigned{control.link_bits});
    const evtchn_expand_array expand = {page + 1};
    tell_narrow("expand_array", event(EVTCHNOP_expand_array, &expand));
    tell_narrow("set_priority under FIFO", event(EVTCHNOP_set_priority, &priority));
    const evtchn_reset reset = {DOMID_SELF};
    tell_narrow("reset", event(EVTCHNOP_reset, &reset));
}

/// The same argument at good and at bad places, for one call of each kind of copy.
void ask_narrow_places() {
    const struct {
        std::string_view name;
        u32 number, command;
    } calls[] = {{"features", __HYPERVISOR_xen_version, XENVER_get_features},
                 {"guest_handle", __HYPERVISOR_xen_version, XENVER_guest_handle},
                 {"get_param", __HYPERVISOR_hvm_op, HVMOP_get_param},
                 {"status", __HYPERVISOR_event_channel_op, EVTCHNOP_status},
                 {"memory_map", __HYPERVISOR_memory_op, XENMEM_memory_map},
                 {"add_to_physmap", __HYPERVISOR_memory_op, XENMEM_add_to_physmap}};
    for (const auto& call : calls)
        for (const Place& place : places()) {
            if (place.address >> 32 != 0) continue;
            // Without paging the window's addresses are frames that no RAM has
            if (place.writable) memset(reinterpret_cast<void*>(place.address), 0, 64);
            tell_narrow(words("{}: {}", call.name, place.name).view(),
                        narrow(call.number, call.command, u32(place.address)));
        }
}

void ask_everything() {
    for (u32 number = 0; number < 64; number++)
        if (number != __HYPERVISOR_iret)
            tell_narrow(words("all zero: {}", number).view(), narrow(number));
    ask_versions();
    ask_reservations();
    ask_maps();
    ask_multicall();
    ask_vcpu_op();
    ask_others();
    ask_event_channels();
    ask_narrow_places();
}

}  // namespace

/// From 32-bit code with paging on, then without, then from real mode.
void ask_narrow() {
    ask_everything();
    set_narrow(Narrow::unpaged);
    ask_everything();
    set_narrow(Narrow::real);
    interrupts_off();  // no handler of ours runs there
    tell_narrow("version", hex(u64(narrow(__HYPERVISOR_xen_version, XENVER_version))));
    tell_narrow("no such call", narrow(63));
    interrupts_on();
    set_narrow(Narrow::paged);
}

}  // namespace oracle

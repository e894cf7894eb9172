// The same hypercalls from 32-bit code: handles and longs of four bytes, the compat layouts.
#include "ask.hpp"
#include "places.hpp"

#include <kit/heap.hpp>

extern "C" hv::u32 narrow_call(hv::u32 number, const hv::u32 arguments[5]);

namespace oracle {
namespace {

u32 low(const void* at) { return u32(reinterpret_cast<u64>(at)); }

long narrow(u32 number, u32 a = 0, u32 b = 0, u32 c = 0, u32 d = 0, u32 e = 0) {
    const u32 arguments[] = {a, b, c, d, e};
    return static_cast<int>(narrow_call(number, arguments));
}

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
    tell("narrow.decrease", memory(XENMEM_decrease_reservation, &wish));
    tell("narrow.populate", memory(XENMEM_populate_physmap, &wish));
    tell("narrow.decrease, start 1", memory(XENMEM_decrease_reservation | 1 << 6, &wish));
    tell("narrow.populate, start 1", memory(XENMEM_populate_physmap | 1 << 6, &wish));
    const Reservation wrapped{low(list), ~0u, 0, 0, DOMID_SELF};
    tell("narrow.decrease, count of all ones", memory(XENMEM_decrease_reservation, &wrapped));
    const Reservation absent{u32(absent_page()), 4, 0, 0, DOMID_SELF};
    tell("narrow.decrease, absent list", memory(XENMEM_decrease_reservation, &absent));
    const u16 self = DOMID_SELF;
    tell("narrow.current_reservation: positive", memory(XENMEM_current_reservation, &self) > 0);
}

void ask_maps() {
    struct {
        u16 domain = DOMID_SELF, size = 0;
        u32 space, index, gfn;
    } add;
    add.space = XENMAPSPACE_grant_table;
    add.index = 0;
    add.gfn = 0x62000;
    tell("narrow.add_to_physmap", memory(XENMEM_add_to_physmap, &add));
    add.space = 9;
    tell("narrow.add_to_physmap, space 9", memory(XENMEM_add_to_physmap, &add));
    const struct {
        u16 domain;
        u32 gfn;
    } remove = {DOMID_SELF, 0x62000};
    tell("narrow.remove_from_physmap", memory(XENMEM_remove_from_physmap, &remove));
    const u32 indexes[] = {0, 64}, gfns[] = {0x62000, 0x62001};
    int errors[] = {77, 77};
    const struct {
        u16 domain, space, size, foreign;
        u32 indexes, gfns, errors;
    } batch = {DOMID_SELF, XENMAPSPACE_grant_table, 2, 0, low(indexes), low(gfns), low(errors)};
    tell("narrow.add_to_physmap_batch", memory(XENMEM_add_to_physmap_batch, &batch));
    tell("narrow.add_to_physmap_batch: first", errors[0]);
    tell("narrow.add_to_physmap_batch: second", errors[1]);
    u8 lines[20 * 32];
    u32 map[] = {32, low(lines)};
    tell("narrow.memory_map", memory(XENMEM_memory_map, map));
    tell("narrow.memory_map: lines", map[0]);
}

void ask_versions() {
    alignas(8) char buffer[1024] = {};
    const auto version = [&](u32 command) {
        return narrow(__HYPERVISOR_xen_version, command, low(buffer));
    };
    tell("narrow.version", hex(u64(version(XENVER_version))));
    tell("narrow.capabilities", version(XENVER_capabilities));
    memset(buffer, 0, sizeof buffer);
    tell("narrow.platform_parameters", version(XENVER_platform_parameters));
    u64 start;
    memcpy(&start, buffer, 8);
    tell("narrow.platform_parameters: virt_start", hex(start));
    memset(buffer, 0, sizeof buffer);
    tell("narrow.get_features", version(XENVER_get_features));
    memcpy(&start, buffer, 8);
    tell("narrow.get_features: bits", hex(start >> 32));
    tell("narrow.pagesize", narrow(__HYPERVISOR_xen_version, XENVER_pagesize, 0));
    tell("narrow.absent",
         narrow(__HYPERVISOR_xen_version, XENVER_get_features, u32(absent_page())));
}

void ask_multicall() {
    u32 list[2][8] = {{__HYPERVISOR_xen_version, 0x7777, XENVER_version},
                      {__HYPERVISOR_sched_op, 0x7777, SCHEDOP_yield}};
    tell("narrow.multicall", narrow(__HYPERVISOR_multicall, low(list), 2));
    tell("narrow.multicall: first", hex(list[0][1]));
    tell("narrow.multicall: second", hex(list[1][1]));
}

void ask_vcpu_op() {
    u32 runstate[11];
    memset(runstate, 0xff, sizeof runstate);
    tell("narrow.runstate",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, low(runstate)));
    tell("narrow.runstate: state", runstate[0]);
    u64 running;
    memcpy(&running, &runstate[3], 8);
    tell("narrow.runstate: has run", running > 0 && running < 1ull << 60);
    const u32 area[] = {low(runstate), 0};
    tell("narrow.runstate area",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, low(area)));
    const u32 none[] = {0, 0};
    (void)narrow(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, low(none));
    const u32 timer[] = {0, 0x7fffffff, 0};
    tell("narrow.single shot",
         narrow(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, low(timer)));
    tell("narrow.single shot: stop", narrow(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0));
    tell("narrow.set_timer_op", narrow(__HYPERVISOR_set_timer_op, 0, 0x7fffffff));
    tell("narrow.set_timer_op: off", narrow(__HYPERVISOR_set_timer_op, 0, 0));
}

void ask_others() {
    evtchn_alloc_unbound unbound = {DOMID_SELF, 0, 0};
    tell("narrow.alloc_unbound",
         narrow(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, low(&unbound)));
    evtchn_close closing = {unbound.port};
    tell("narrow.close", narrow(__HYPERVISOR_event_channel_op, EVTCHNOP_close, low(&closing)));
    u32 frames[4] = {};
    u32 setup[4] = {DOMID_SELF, 1, 0, low(frames)};
    tell("narrow.setup_table",
         narrow(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, low(setup), 1));
    tell("narrow.setup_table: status", plain(s16(setup[2])));
    gnttab_query_size size = {DOMID_SELF, 0, 0, 77};
    tell("narrow.query_size",
         narrow(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, low(&size), 1));
    tell("narrow.query_size: status", plain(size.status));
    xen_hvm_param parameter = {DOMID_SELF, 0, HVM_PARAM_CONSOLE_PFN, 0};
    tell("narrow.get_param", narrow(__HYPERVISOR_hvm_op, HVMOP_get_param, low(&parameter)));
    tell("narrow.get_param: value", hex(parameter.value));
    evtchn_port_t ports[] = {0};
    const struct {
        u32 ports, count;
        u64 timeout;
    } poll = {low(ports), 1, 1};
    tell("narrow.poll", narrow(__HYPERVISOR_sched_op, SCHEDOP_poll, low(&poll)));
    tell("narrow.yield", narrow(__HYPERVISOR_sched_op, SCHEDOP_yield));
    tell("narrow.vm_assist", narrow(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 5));
}

}  // namespace

void ask_narrow() {
    for (u32 number = 0; number < 64; number++)
        if (number != __HYPERVISOR_iret)
            tell("narrow.all zero", words("{}", number), narrow(number));
    ask_versions();
    ask_reservations();
    ask_maps();
    ask_multicall();
    ask_vcpu_op();
    ask_others();
}

}  // namespace oracle

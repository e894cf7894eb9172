// What only the toolstack may do (xen/domctl.h, sysctl.h, platform.h), asked without the right;
// and the console, vm_assist, multicall, physdev_op, xsm_op.
#include "attempt.hpp"
#include "places.hpp"

#include <xen/physdev.h>

namespace oracle {
namespace {

template <class Operation> long control(u32 number, u32 version, u32 command, u16 domain) {
    Operation operation = {};
    operation.interface_version = version;
    operation.cmd = command;
    if constexpr (requires { operation.domain; }) operation.domain = domain;
    return hypercall(number, address(&operation));
}

void ask_domctl() {
    constexpr u32 version = XEN_DOMCTL_INTERFACE_VERSION;
    constexpr u32 number = __HYPERVISOR_domctl;
    for (u32 command = 0; command < 92; command++) {
        const auto name = words("{}", command);
        tell("domctl.of oneself", name,
             control<xen_domctl>(number, version, command, DOMID_SELF));
        tell("domctl.of dom0", name, control<xen_domctl>(number, version, command, 0));
        tell("domctl.of nobody", name, control<xen_domctl>(number, version, command, 9999));
    }
    tell("domctl.version: 0", control<xen_domctl>(number, 0, XEN_DOMCTL_pausedomain, 0));
    tell("domctl.version: all ones", control<xen_domctl>(number, ~0u, 1000, 0));
    tell("domctl.command: all ones", control<xen_domctl>(number, version, ~0u, 0));
    tell("domctl.absent", hypercall(number, absent_page()));
}

void ask_sysctl() {
    constexpr u32 version = XEN_SYSCTL_INTERFACE_VERSION;
    constexpr u32 number = __HYPERVISOR_sysctl;
    for (u32 command = 0; command < 32; command++)
        tell("sysctl.command", words("{}", command),
             control<xen_sysctl>(number, version, command, 0));
    tell("sysctl.version: 0", control<xen_sysctl>(number, 0, XEN_SYSCTL_physinfo, 0));
    tell("sysctl.absent", hypercall(number, absent_page()));
}

void ask_physdev() {
    alignas(16) u8 zeros[256] = {};
    for (u32 command = 0; command < 34; command++) {
        const auto name = words("{}", command);
        tell("physdev.zeros", name,
             hypercall(__HYPERVISOR_physdev_op, command, address(zeros)));
        memset(zeros, 0, sizeof zeros);
        tell("physdev.absent", name, hypercall(__HYPERVISOR_physdev_op, command, absent_page()));
    }
}

void ask_console() {
    char buffer[] = "never seen\n";
    for (const u32 command : {0u, 1u, 2u, ~0u})
        for (const u64 count : {0ull, 5ull, ~0ull})
            tell("console.command", words("{} count {}", command, count),
                 hypercall(__HYPERVISOR_console_io, command, count, address(buffer)));
    tell("console.write: absent",
         hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 5, absent_page()));
}

void ask_assist() {
    for (const u32 type : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 31u, 32u, 63u, 64u, ~0u})
        for (const u32 command : {VMASST_CMD_enable, VMASST_CMD_disable, 2, -1})
            tell("assist.type", words("{} command {}", type, command),
                 hypercall(__HYPERVISOR_vm_assist, command, type));
}

long entry_result(u64 number, u64 first = 0, u64 second = 0) {
    multicall_entry entry = {number, 0x7777, {first, second, 0, 0, 0, 0}};
    const long result = hypercall(__HYPERVISOR_multicall, address(&entry), 1);
    return result == 0 ? static_cast<long>(entry.result) : 1000 + result;
}

void ask_multicall() {
    multicall_entry inner = {__HYPERVISOR_xen_version, 0, {}};
    tell("multicall.none", hypercall(__HYPERVISOR_multicall, 0, 0));
    tell("multicall.none, absent", hypercall(__HYPERVISOR_multicall, absent_page(), 0));
    tell("multicall.absent", hypercall(__HYPERVISOR_multicall, absent_page(), 1));
    tell("multicall.version", hex(u64(entry_result(__HYPERVISOR_xen_version))));
    tell("multicall.yield", entry_result(__HYPERVISOR_sched_op, SCHEDOP_yield));
    tell("multicall.hypercall 63", entry_result(63));
    tell("multicall.hypercall 64", entry_result(64));
    tell("multicall.hypercall of all ones", entry_result(~0ull));
    tell("multicall.nested", entry_result(__HYPERVISOR_multicall, address(&inner), 1));
    tell("multicall.nested, none", entry_result(__HYPERVISOR_multicall, 0, 0));
    tell("multicall.refused inside",
         entry_result(__HYPERVISOR_event_channel_op, EVTCHNOP_send, absent_page()));
    auto* list = reinterpret_cast<multicall_entry*>(window() + page_size + 2048);
    for (int i = 0; i < 32; i++)
        list[i] = {__HYPERVISOR_xen_version, 0x7777, {}};
    tell("multicall.off the end", hypercall(__HYPERVISOR_multicall, address(list), 40));
    tell("multicall.off the end: the last was done", list[31].result != 0x7777);
    const multicall_entry version = {__HYPERVISOR_xen_version, 0, {}};
    tell_at_places("multicall.at", version, [](u64 at) {
        return hypercall(__HYPERVISOR_multicall, at, 1);
    });
}

}  // namespace

void ask_privileged() {
    ask_domctl();
    ask_sysctl();
    ask_physdev();
    for (const u32 number : {__HYPERVISOR_platform_op, __HYPERVISOR_xsm_op, __HYPERVISOR_kexec_op,
                             __HYPERVISOR_xenpmu_op, __HYPERVISOR_dm_op, __HYPERVISOR_hypfs_op,
                             __HYPERVISOR_argo_op})
        for (const u32 command : {0u, 1u, 2u, 3u, ~0u})
            tell("others.absent", words("hypercall {} command {}", number, command),
                 hypercall(number, command, absent_page()));
}

void ask_assists() {
    ask_console();
    ask_assist();
    ask_multicall();
}

}  // namespace oracle

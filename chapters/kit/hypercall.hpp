// The way down: the hypercall page, and the calls that every guest makes.
#pragma once

#include "types.hpp"
#include "xen.hpp"

extern "C" char hypercall_page[];

namespace kit {

/// Calls entry `number` of the hypercall page. Returns what Xen returns: a negative errno, or the
/// call's own result (xen/xen.h, "HYPERCALLS").
inline long hypercall(u32 number, u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0, u64 e = 0) {
    long result;
    register u64 r10 asm("r10") = d;
    register u64 r8 asm("r8") = e;
    asm volatile("call *%[entry]"
                 : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                 : [entry] "r"(hypercall_page + number * 32)
                 : "rcx", "r9", "r11", "memory");
    return result;
}

/// The address of a hypercall's argument: virtual and physical are the same for kit guests.
inline u64 address(const void* argument) { return reinterpret_cast<u64>(argument); }

/// A hypercall's answer as a Result: negative answers are Xen's error numbers.
inline Result<u64> checked(long answer) {
    if (answer < 0) return Error{static_cast<Errno>(-answer)};
    return u64(answer);
}

inline Result<u64> memory_op(u32 command, void* argument) {
    return checked(hypercall(__HYPERVISOR_memory_op, command, address(argument)));
}
inline Result<u64> hvm_op(u32 command, void* argument) {
    return checked(hypercall(__HYPERVISOR_hvm_op, command, address(argument)));
}
inline Result<u64> event_channel_op(u32 command, void* argument) {
    return checked(hypercall(__HYPERVISOR_event_channel_op, command, address(argument)));
}
inline Result<u64> xen_version(u32 command, void* argument) {
    return checked(hypercall(__HYPERVISOR_xen_version, command, address(argument)));
}

/// Has Xen show the first page of a space (XENMAPSPACE_*, xen/memory.h) where nothing is in this
/// guest's memory map.
Result<void*> show_page(u32 space);

/// HVMOP_get_param: what the toolstack left for domain `domain` at `index` (xen/hvm/params.h).
Result<u64> get_param(u32 index, domid_t domain = DOMID_SELF);

/// Why a domain ends (xen/sched.h, SHUTDOWN_*).
enum class Shutdown : u32 {
    poweroff = SHUTDOWN_poweroff,
    reboot = SHUTDOWN_reboot,
    suspend = SHUTDOWN_suspend,
    crash = SHUTDOWN_crash,
};

/// Ends this domain: SCHEDOP_shutdown.
[[noreturn]] void shut_down(Shutdown reason);

/// The base of Xen's own CPUID leaves (0x40000000 or above), or 0 when this is not Xen.
u32 xen_cpuid_base();

/// Names the hypercall page to Xen, through the MSR that CPUID leaf base + 2 gives. False: no Xen.
bool hypercall_init();

}  // namespace kit

// Xen's public headers, in the one order in which they agree with each other.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __XEN_TOOLS__ 1
#define __XEN_INTERFACE_VERSION__ 0x00041100

#include <xen/xen.h>

#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/e820.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

// The build says which chapter it goes up to (HV_THROUGH), and each chapter's place in the order.
namespace kit {
inline constexpr bool has_grants = HV_THROUGH >= HV_GRANTS;
inline constexpr bool has_events = HV_THROUGH >= HV_EVENTS;
}  // namespace kit

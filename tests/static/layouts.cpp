// What 32-bit and 64-bit guests lay out alike, so that hv/ takes it from either by one structure;
// and what they do not. Compiled for both: Xen's headers say what each compiler makes of them.
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

namespace {

template <class T, size_t size>
constexpr bool is = sizeof(T) == size;
template <class T, size_t narrow, size_t wide>
constexpr bool differs = sizeof(T) == (sizeof(void*) == 4 ? narrow : wide);

// Events
static_assert(is<evtchn_alloc_unbound_t, 8> && is<evtchn_bind_interdomain_t, 12>);
static_assert(is<evtchn_bind_virq_t, 12> && is<evtchn_bind_ipi_t, 8> && is<evtchn_bind_vcpu_t, 8>);
static_assert(is<evtchn_send_t, 4> && is<evtchn_unmask_t, 4> && is<evtchn_close_t, 4>);
static_assert(is<evtchn_status_t, 24> && is<evtchn_reset_t, 2> && is<evtchn_set_priority_t, 8>);
static_assert(is<evtchn_init_control_t, 24> && is<evtchn_expand_array_t, 8>);
static_assert(is<evtchn_fifo_control_block_t, 72> && is<vcpu_info_t, 64>);

// Time, and the life of a domain and of its vCPUs
static_assert(is<sched_shutdown_t, 4> && is<sched_remote_shutdown_t, 8>);
static_assert(is<vcpu_time_info_t, 32> && is<vcpu_set_periodic_timer_t, 8>);
static_assert(is<vcpu_register_vcpu_info_t, 16> && is<vcpu_hvm_context_t, 128>);
static_assert(is<xen_domain_handle_t, 16> && is<xen_extraversion_t, 16>);
static_assert(is<xen_compile_info_t, 144> && is<xen_feature_info_t, 8>);

// Parameters, grants, and what is shared at the start
static_assert(is<xen_hvm_param_t, 16> && is<xen_hvm_get_mem_type_t, 16>);
static_assert(is<xen_hvm_evtchn_upcall_vector_t, 8> && is<gnttab_query_size_t, 16>);
static_assert(is<gnttab_set_version_t, 4> && is<gnttab_get_version_t, 8>);
static_assert(is<gnttab_map_grant_ref_t, 32> && is<gnttab_unmap_grant_ref_t, 24>);
static_assert(is<gnttab_swap_grant_ref_t, 12> && is<grant_entry_v2_t, 16>);
static_assert(is<grant_entry_v1_t, 8> && is<hvm_start_info, 56> && is<hvm_modlist_entry, 32>);
static_assert(is<hvm_memmap_table_entry, 24> && is<xsd_sockmsg, 16>);
static_assert(is<xencons_interface, 3088> && is<xenstore_domain_interface, 2076>);

// Each of these has its narrow reader, and its case in tests/unit/events_narrow.cpp
static_assert(differs<sched_poll_t, 16, 24> && differs<vcpu_set_singleshot_timer_t, 12, 16>);
static_assert(differs<vcpu_runstate_info_t, 44, 48> && differs<multicall_entry_t, 32, 64>);
static_assert(differs<xen_add_to_physmap_t, 16, 24> && differs<gnttab_setup_table_t, 16, 24>);
static_assert(differs<xen_memory_reservation_t, 20, 32> && differs<xen_memory_map_t, 8, 16>);
// In tests/unit/grants_copy.cpp
static_assert(differs<gnttab_copy_t, 24, 40>);

}  // namespace

// shared_info and vcpu_info: their two layouts, and who writes what into them.
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <domains/pvclock.hpp>
#include <domains/shared_info.hpp>
#include <xen/foreign/x86_32.h>

namespace hv {

// What both layouts have in the same place is written without asking for the width
static_assert(sizeof(vcpu_info_t) == 64 && sizeof(vcpu_info_x86_32_t) == 64);
static_assert(offsetof(vcpu_info_t, time) == offsetof(vcpu_info_x86_32_t, time));
static_assert(offsetof(shared_info_t, evtchn_pending) ==
              offsetof(shared_info_x86_32_t, evtchn_pending));
static_assert(max_vcpus <= XEN_LEGACY_MAX_VCPUS);

namespace {

template <class Layout>
Layout& page_of(Domain& domain) {
    return *domain.machine.memory.as<Layout>(address_of(domain.shared_info_frame));
}

/// The three fields of the wall clock and their version, wherever the layout has them.
struct WallClock {
    u32 &version, &seconds, &nanoseconds, &seconds_high;
};

WallClock wall_clock(Domain& domain) {
    if (domain.wide_shared_info) {
        auto& page = page_of<shared_info_t>(domain);
        return {page.wc_version, page.wc_sec, page.wc_nsec, page.wc_sec_hi};
    }
    auto& page = page_of<shared_info_x86_32_t>(domain);
    return {page.wc_version, page.wc_sec, page.wc_nsec, page.arch.wc_sec_hi};
}

}  // namespace

void attach_vcpu_info(Vcpu& vcpu) {
    vcpu.info = &page_of<shared_info_t>(vcpu.domain).vcpu_info[vcpu.id];
    const Mfn before{__atomic_exchange_n(&vcpu.info_frame.value, 0, __ATOMIC_ACQ_REL)};
    if (before.value != 0)
        end_use(vcpu.domain.machine, before);
}

namespace {

/// Lets `place`, in a frame that is held, be the vCPU's vcpu_info. XEN_EINVAL: it has one.
Result<> adopt_vcpu_info(Vcpu& vcpu, Mfn frame, u8* place) {
    Guard guard{vcpu.domain.lock};
    if (vcpu.info_frame.value != 0)
        return Error{XEN_EINVAL};
    __builtin_memcpy(place, vcpu.info, sizeof(vcpu_info_t));
    vcpu.info = reinterpret_cast<vcpu_info_t*>(place);
    vcpu.info_frame = frame;
    return {};
}

}  // namespace

Result<> move_vcpu_info(Vcpu& vcpu, const Vcpu& caller, Gfn gfn, u32 offset) {
    const u32 alignment = vcpu.domain.wide_shared_info ? 8 : 4;
    if (offset > page_size - sizeof(vcpu_info_t) || offset % alignment != 0)
        return Error{XEN_ENXIO};
    if (&vcpu != &caller && !vcpu.down.load())
        return Error{XEN_EINVAL};
    Machine& machine = vcpu.domain.machine;
    const Result<GuestFrame> page = vcpu.domain.p2m.hold(gfn);
    if (!page.ok())
        return Error{XEN_EINVAL};
    // The use of the frame stays with the vCPU, until its domain is taken apart
    if (!page->access.write ||
        !adopt_vcpu_info(vcpu, page->frame, machine.memory.at(page->frame) + offset).ok()) {
        end_use(machine, page->frame);
        return Error{XEN_EINVAL};
    }

    __builtin_memset(pending_selector(vcpu), 0xff, vcpu.domain.wide_shared_info ? 8 : 4);
    __atomic_store_n(&vcpu.info->evtchn_upcall_pending, u8{1}, __ATOMIC_RELEASE);
    if (&vcpu == &caller)
        show_time(vcpu);  // another's page tables may be in use on its pCPU
    if (vcpu.upcall_vector != 0)
        vcpu.apic.raise(vcpu.upcall_vector);
    else
        notify(vcpu, attention_interrupt);
    return {};
}

void latch_width(Domain& domain, bool wide) {
    if (domain.wide_shared_info == wide)
        return;
    domain.wide_shared_info = wide;
    show_wall_clock(domain);  // the times lie in the same place in both
}

void runstate_changed(Vcpu& vcpu) {
    show_time(vcpu);
    show_runstate(vcpu);
}

void show_wall_clock(Domain& domain) {
    const u64 seconds = domain.machine.clock.wall_seconds +
                        static_cast<u64>(domain.wall_offset_seconds);
    const WallClock clock = wall_clock(domain);
    const u32 version = __atomic_load_n(&clock.version, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&clock.version, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    clock.seconds = static_cast<u32>(seconds);
    clock.seconds_high = static_cast<u32>(seconds >> 32);
    clock.nanoseconds = 0;
    __atomic_store_n(&clock.version, version + 1, __ATOMIC_RELEASE);
}

EventWords event_words(Domain& domain) {
    if (domain.wide_shared_info) {
        auto& page = page_of<shared_info_t>(domain);
        return {reinterpret_cast<u8*>(page.evtchn_pending),
                reinterpret_cast<u8*>(page.evtchn_mask), 64};
    }
    auto& page = page_of<shared_info_x86_32_t>(domain);
    return {reinterpret_cast<u8*>(page.evtchn_pending), reinterpret_cast<u8*>(page.evtchn_mask),
            32};
}

u8* pending_selector(Vcpu& vcpu) {
    const size_t offset = vcpu.domain.wide_shared_info
                              ? offsetof(vcpu_info_t, evtchn_pending_sel)
                              : offsetof(vcpu_info_x86_32_t, evtchn_pending_sel);
    return reinterpret_cast<u8*>(vcpu.info) + offset;
}

Result<Mfn> shared_info_space(Domain& domain, u64 index) {
    if (index != 0)
        return Error{XEN_EINVAL};
    add_use(domain.machine, domain.shared_info_frame);
    return domain.shared_info_frame;
}

}  // namespace hv

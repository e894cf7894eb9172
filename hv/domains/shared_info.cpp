// What a guest reads without asking: shared_info and its vCPUs' vcpu_info in their two layouts, the
// time, and each vCPU's account of how long it has run, waited and slept.
#include <domains/calls.hpp>
#include <domains/guest_memory.hpp>
#include <domains/memory.hpp>
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

/// What `use` makes of the shared_info page in the layout that the domain's guest has.
template <class Use>
auto in_layout(Domain& domain, Use use) {
    return domain.wide_shared_info ? use(page_of<shared_info_t>(domain))
                                   : use(page_of<shared_info_x86_32_t>(domain));
}

/// The version protocol: while `write` changes what a guest may be reading, `version` is odd.
template <class Write>
void publish(u32& version, Write write) {
    const u32 odd = __atomic_load_n(&version, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&version, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    write(odd);
    __atomic_store_n(&version, odd + 1, __ATOMIC_RELEASE);
}

u32& seconds_high(shared_info_t& page) { return page.wc_sec_hi; }
u32& seconds_high(shared_info_x86_32_t& page) { return page.arch.wc_sec_hi; }

/// Lets `place`, in a frame that is held, be the vCPU's vcpu_info. XEN_EINVAL: it has one.
Result<> adopt_vcpu_info(Vcpu& vcpu, Mfn frame, u8* place) {
    Guard guard{vcpu.domain.lock};
    if (vcpu.info_frame.value != 0)
        return Error{XEN_EINVAL};
    __builtin_memcpy(place, vcpu.info, sizeof(vcpu_info_t));
    vcpu.info = reinterpret_cast<PlacedVcpuInfo*>(place);
    vcpu.info_frame = frame;
    return {};
}

}  // namespace

void attach_vcpu_info(Vcpu& vcpu) {
    vcpu_info_t& place = page_of<shared_info_t>(vcpu.domain).vcpu_info[vcpu.id];
    vcpu.info = reinterpret_cast<PlacedVcpuInfo*>(&place);
    const Mfn before{__atomic_exchange_n(&vcpu.info_frame.value, 0, __ATOMIC_ACQ_REL)};
    if (before.value != 0)
        end_use(vcpu.domain.machine, before);
}

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
    __atomic_store_n(&vcpu.info->abi.evtchn_upcall_pending, u8{1}, __ATOMIC_RELEASE);
    if (&vcpu == &caller)
        show_time(vcpu);  // another's page tables may be in use on its pCPU
    interrupt_for_events(vcpu);
    return {};
}

void latch_width(Domain& domain, bool wide) {
    if (domain.wide_shared_info == wide)
        return;
    domain.wide_shared_info = wide;
    show_wall_clock(domain);  // the times lie in the same place in both
}

void show_wall_clock(Domain& domain) {
    const u64 seconds = domain.machine.clock.wall_seconds;
    in_layout(domain, [&](auto& page) {
        publish(page.wc_version, [&](u32) {
            page.wc_sec = static_cast<u32>(seconds);
            seconds_high(page) = static_cast<u32>(seconds >> 32);
            page.wc_nsec = 0;
        });
    });
}

EventWords event_words(Domain& domain) {
    return in_layout(domain, [](auto& page) -> EventWords {
        return {reinterpret_cast<u8*>(page.evtchn_pending),
                reinterpret_cast<u8*>(page.evtchn_mask), sizeof page.evtchn_mask[0] * 8};
    });
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

namespace {

/// System time, the guest's TSC at that moment, and the scale between them. System time is the
/// machine's: it runs on in a pause.
vcpu_time_info_t time_now(const Vcpu& vcpu) {
    const Machine& machine = vcpu.domain.machine;
    const Clock& clock = machine.clock;
    const u64 ticks = clock.ticks();
    const u64 boot_cpu_ticks = ticks - static_cast<u64>(machine.cpus[vcpu.cpu]->tsc_skew);
    vcpu_time_info_t time{};
    time.tsc_timestamp = ticks + vcpu.hardware.tsc_offset;
    time.system_time = clock.to_ns(boot_cpu_ticks - clock.boot_ticks);
    time.tsc_to_system_mul = clock.to_ns_multiplier;
    time.tsc_shift = static_cast<int8_t>(clock.to_ns_shift);
    return time;
}

/// The second copy lies at a virtual address: its version is odd at first, and made even last.
void show_time_copy(Vcpu& vcpu, const vcpu_time_info_t& time) {
    const u32 even = time.version + 1;
    if (write_guest(vcpu, vcpu.time_area, &time, sizeof time).ok())
        (void)write_guest(vcpu, vcpu.time_area, &even, sizeof even).ok();
}

/// vcpu_runstate_info as 32-bit code lays it out: no padding after the state.
struct [[gnu::packed]] Runstate32 {
    int state;
    u64 entered;
    u64 time[4];
};
static_assert(sizeof(Runstate32) == 44);

/// Copies the account to where the vCPU registered it, in its domain's layout. An address that is
/// no memory any more is passed over, as on Xen.
void show_runstate(Vcpu& vcpu) {
    if (vcpu.runstate_area == 0)
        return;
    const bool wide = vcpu.domain.wide_shared_info;
    vcpu_runstate_info_t account = vcpu.runstate;
    if (!vcpu.domain.runstate_update_flag) {
        (void)write_runstate(vcpu, vcpu.runstate_area, account, wide).ok();
        return;
    }

    // The guest asked to be told while an update is under way: a bit in the entry time
    const u64 entered = account.state_entry_time;
    const u64 entered_at =
        vcpu.runstate_area +
        (wide ? offsetof(vcpu_runstate_info_t, state_entry_time) : offsetof(Runstate32, entered));
    account.state_entry_time |= XEN_RUNSTATE_UPDATE;
    if (write_guest(vcpu, entered_at, &account.state_entry_time, sizeof entered).ok() &&
        write_runstate(vcpu, vcpu.runstate_area, account, wide).ok())
        (void)write_guest(vcpu, entered_at, &entered, sizeof entered).ok();
}

}  // namespace

void show_time(Vcpu& vcpu) {
    vcpu_time_info_t time = time_now(vcpu);
    u8* place = reinterpret_cast<u8*>(vcpu.info) + offsetof(vcpu_info_t, time);
    publish(*reinterpret_cast<u32*>(place), [&](u32 version) {
        time.version = version;
        __builtin_memcpy(place, &time, sizeof time);
    });
    if (vcpu.time_area != 0)
        show_time_copy(vcpu, time);
    vcpu.time_shown_until = time.system_time + 1'000'000'000;  // as often as Xen shows it
}

void runstate_changed(Vcpu& vcpu) {
    // On its pCPU what it was shown stays true; a guest that has lost it is shown it again
    if (vcpu.hardware.last_cpu != vcpu.cpu ||
        vcpu.runstate.state_entry_time >= vcpu.time_shown_until)
        show_time(vcpu);
    show_runstate(vcpu);
}

vcpu_runstate_info_t runstate_now(const Vcpu& vcpu) {
    vcpu_runstate_info_t account = vcpu.runstate;
    const u64 now = vcpu.domain.machine.clock.now();
    if (now > account.state_entry_time)
        account.time[account.state & 3] += now - account.state_entry_time;
    return account;
}

Result<> write_runstate(Vcpu& vcpu, u64 address, const vcpu_runstate_info_t& account, bool wide) {
    if (wide)
        return write_guest(vcpu, address, &account, sizeof account);
    Runstate32 narrow{account.state, account.state_entry_time, {}};
    __builtin_memcpy(narrow.time, account.time, sizeof account.time);
    return write_guest(vcpu, address, &narrow, sizeof narrow);
}

}  // namespace hv

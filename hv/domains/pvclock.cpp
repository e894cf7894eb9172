// Paravirtual time: what a guest multiplies its TSC by, and how long it has run, waited and slept.
#include <domains/guest_memory.hpp>
#include <domains/pvclock.hpp>

namespace hv {
namespace {

/// vcpu_runstate_info as 32-bit code lays it out: no padding after the state.
struct [[gnu::packed]] Runstate32 {
    int state;
    u64 entered;
    u64 time[4];
};
static_assert(sizeof(Runstate32) == 44);

/// Moves `from` into `into` so that a reader on another vCPU sees all of it or an odd version.
void publish(vcpu_time_info_t& into, const vcpu_time_info_t& from) {
    const u32 version = __atomic_load_n(&into.version, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&into.version, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    into.tsc_timestamp = from.tsc_timestamp;
    into.system_time = from.system_time;
    into.tsc_to_system_mul = from.tsc_to_system_mul;
    into.tsc_shift = from.tsc_shift;
    into.flags = from.flags;
    __atomic_store_n(&into.version, version + 1, __ATOMIC_RELEASE);
}

/// The second copy lies at a virtual address: the version is written before and after the rest.
void publish_copy(Vcpu& vcpu, vcpu_time_info_t time) {
    u32 version = 0;
    if (!read_guest(vcpu, &version, vcpu.time_area, sizeof version).ok())
        return;
    time.version = version | 1;
    if (!write_guest(vcpu, vcpu.time_area, &time, sizeof time).ok())
        return;
    const u32 even = time.version + 1;
    (void)write_guest(vcpu, vcpu.time_area, &even, sizeof even).ok();
}

}  // namespace

vcpu_time_info_t time_now(const Vcpu& vcpu, s64 skew) {
    const Clock& clock = vcpu.domain.machine.clock;
    const u64 ticks = clock.ticks();
    vcpu_time_info_t time{};
    time.tsc_timestamp = ticks + vcpu.hardware.tsc_offset;
    time.system_time = clock.to_ns(ticks - static_cast<u64>(skew) - clock.boot_ticks);
    time.tsc_to_system_mul = clock.to_ns_multiplier;
    time.tsc_shift = static_cast<int8_t>(clock.to_ns_shift);
    return time;
}

void show_time(Vcpu& vcpu) {
    if (vcpu.info == nullptr)
        return;
    const Cpu* cpu = vcpu.domain.machine.cpus[vcpu.cpu];
    const vcpu_time_info_t time = time_now(vcpu, cpu != nullptr ? cpu->tsc_skew : 0);
    publish(vcpu.info->time, time);
    if (vcpu.time_area != 0)
        publish_copy(vcpu, time);
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
    if (!write_guest(vcpu, entered_at, &account.state_entry_time, sizeof entered).ok() ||
        !write_runstate(vcpu, vcpu.runstate_area, account, wide).ok())
        return;
    (void)write_guest(vcpu, entered_at, &entered, sizeof entered).ok();
}

}  // namespace hv

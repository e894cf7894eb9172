// The guest's clock: the version protocol of struct vcpu_time_info (xen/xen.h).
#include "clock.hpp"

#include "cpu.hpp"
#include "guest.hpp"
#include "hypercall.hpp"

namespace kit {
namespace {

constinit shared_info* shared_page = nullptr;

/// Waits for an even version, calls `read`, and again if the version moved meanwhile.
template <class Read> u64 read_versioned(const volatile u32& version, Read read) {
    for (;;) {
        u32 before = version;
        asm volatile("" : : : "memory");
        u64 value = read();
        asm volatile("" : : : "memory");
        if ((before & 1) == 0 && version == before) return value;
        pause();
    }
}

}  // namespace

shared_info& shared() { return *shared_page; }

Result<> clock_init() {
    shared_page = static_cast<shared_info*>(TRY(show_page(XENMAPSPACE_shared_info)));
    return {};
}

u64 now_ns() {
    auto& time = shared_page->vcpu_info[0].time;
    return read_versioned(time.version, [&time] {
        u64 delta = rdtsc() - time.tsc_timestamp;
        delta = time.tsc_shift >= 0 ? delta << time.tsc_shift : delta >> -time.tsc_shift;
        return time.system_time + u64((unsigned __int128)delta * time.tsc_to_system_mul >> 32);
    });
}

u64 wall_seconds() {
    auto& page = *shared_page;
    u64 boot = read_versioned(page.wc_version, [&page] { return u64{page.wc_sec}; });
    return boot + now_ns() / 1'000'000'000;
}

}  // namespace kit

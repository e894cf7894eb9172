// The CMOS clock: read twice, until both readings agree.
#include <boot/calendar.hpp>
#include <boot/calibrate.hpp>
#include <x86/ports.hpp>

namespace hv::boot {
namespace {

u8 read_register(u8 index) {
    x86::out8(0x70, index | 0x80);
    return x86::in8(0x71);
}

CmosTime read_once() {
    // Register A bit 7: an update is under way
    for (unsigned i = 0; i < 100'000 && (read_register(0x0a) & 0x80); ++i) {
    }
    const u8 b = read_register(0x0b);
    return {read_register(0), read_register(2), read_register(4), read_register(7),
            read_register(8), read_register(9), read_register(0x32), (b & 4) != 0, (b & 2) != 0};
}

}  // namespace

u64 read_real_time_clock() {
    CmosTime first = read_once();
    for (unsigned i = 0; i < 10; ++i) {
        const CmosTime second = read_once();
        if (first == second)
            break;
        first = second;
    }
    return unix_time(first);
}

}  // namespace hv::boot

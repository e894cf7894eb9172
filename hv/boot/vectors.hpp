// The interrupt vectors that the hypervisor takes for itself.
#pragma once

#include <base/types.hpp>

namespace hv::boot {

/// Higher vectors are served first.
enum HostVector : u8 {
    console_vector = 0x40,   ///< COM1 has a byte
    timer_vector = 0xe0,     ///< this pCPU's timer
    kick_vector = 0xf0,      ///< another pCPU asks for attention
    spurious_vector = 0xff,  ///< the APIC changed its mind: nothing to do, no end of interrupt
};

}  // namespace hv::boot

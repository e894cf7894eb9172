// PCI's configuration space, by two ports: PCI Local Bus 3.0, 3.2.2.3.2.
#include "pci.hpp"

#include <kit/cpu.hpp>

namespace dom0 {
namespace {

constexpr u16 config_address = 0xcf8, config_data = 0xcfc;
constexpr u32 enable = 1u << 31;

// Offsets in the space of each function
enum Offset : u8 { vendor_and_device = 0x00, command = 0x04, base_addresses = 0x10 };
constexpr u16 command_io = 1, command_master = 4, command_no_interrupt = 0x400;
constexpr u32 base_is_io = 1, base_flags = 3;

}  // namespace

void PciFunction::select(u8 offset) const {
    out32(config_address, enable | u32{place_} << 8 | offset);
}

std::optional<PciFunction> PciFunction::find(u16 vendor, u16 device) {
    for (u32 place = 0; place < 256; place++) {
        const PciFunction function{u8(place)};
        function.select(vendor_and_device);
        if (in32(config_data) == (u32{device} << 16 | vendor)) return function;
    }
    return {};
}

u16 PciFunction::ports(u8 base_address) const {
    select(u8(base_addresses + 4 * base_address));
    const u32 base = in32(config_data);
    return (base & base_is_io) != 0 ? u16(base & ~base_flags) : u16{0};
}

void PciFunction::turn_on() const {
    select(command);
    const u16 before = in16(config_data);
    out16(config_data, u16((before | command_io | command_master) & ~command_no_interrupt));
}

}  // namespace dom0

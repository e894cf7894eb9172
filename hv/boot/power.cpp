// The ways out: power-off and reset.
#include <boot/start.hpp>
#include <x86/ports.hpp>
#include <x86/privileged.hpp>

namespace hv::boot {
namespace {

// "PM1 Control Registers Fixed Hardware Feature Control Bits"
constexpr u16 SCI_EN = 1 << 0, SLP_EN = 1 << 13;
constexpr unsigned SLP_TYP_shift = 10;

/// Gives a device `turns` port reads' worth of time, about a microsecond each, until it is `done`.
void wait_until(unsigned turns, auto&& done) {
    for (unsigned i = 0; i < turns && !done(); ++i)
        x86::in8(0x80);
}

/// Writes to a port that may reset the machine, and waits a while for that.
void try_reset(u16 port, u8 value) {
    x86::out8(port, value);
    wait_until(10'000, [] { return false; });
}

void write_sleep(u16 port, u16 type) {
    if (port == 0)
        return;
    const u16 kept = x86::in16(port) & ~(7 << SLP_TYP_shift | SLP_EN);
    x86::out16(port, static_cast<u16>(kept | type << SLP_TYP_shift | SLP_EN));
}

}  // namespace

void power_off(const MachineFacts& facts) {
    x86::disable_interrupts();
    if (facts.soft_off && facts.pm1a_control != 0) {
        // Firmware may still hold the power registers: ask for ACPI mode first
        const auto enabled = [&] { return (x86::in16(facts.pm1a_control) & SCI_EN) != 0; };
        if (!enabled() && facts.smi_command_port != 0 && facts.acpi_enable_value != 0) {
            x86::out8(facts.smi_command_port, facts.acpi_enable_value);
            wait_until(300'000, enabled);
        }
        write_sleep(facts.pm1a_control, facts.soft_off->a);
        write_sleep(facts.pm1b_control, facts.soft_off->b);
    }
    x86::halt_forever();
}

void reset(const MachineFacts& facts) {
    x86::disable_interrupts();
    if (facts.reset_port != 0)
        try_reset(facts.reset_port, facts.reset_value);

    // The chipset's reset control: hard reset, then go
    x86::out8(0xcf9, 0x02);
    try_reset(0xcf9, 0x06);

    // The keyboard controller's line to the processor's reset pin
    wait_until(10'000, [] { return (x86::in8(0x64) & 2) == 0; });
    try_reset(0x64, 0xfe);

    // No interrupt table: the first exception cannot be delivered, nor can the second
    x86::load_empty_interrupt_table();
    asm volatile("int3");
    x86::halt_forever();
}

}  // namespace hv::boot

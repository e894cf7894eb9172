// The PS/2 controller, an 8042: two ports, and the patience that each access needs.
#include "keyboard.hpp"

#include <kit/cpu.hpp>

namespace dom0 {
namespace {

constexpr u16 data = 0x60, status = 0x64, command = 0x64;
constexpr u8 output_full = 0x01, input_full = 0x02, from_mouse = 0x20, nobody = 0xff;

enum Command : u8 { read_configuration = 0x20, write_configuration = 0x60, keyboard_off = 0xad,
                    keyboard_on = 0xae };
// The configuration: interrupts by the keyboard, by the mouse, clocks stopped, set 1
constexpr u8 interrupt = 0x01, mouse_interrupt = 0x02, stopped = 0x10, mouse_stopped = 0x20,
             translate = 0x40;
constexpr u8 report_keys = 0xf4;

constexpr u32 patience = 10'000; // looks at the status, each some microseconds

/// True as soon as the flag stands as wanted; false when it never does.
bool wait_for(u8 flag, bool wanted) {
    for (u32 i = 0; i < patience; i++)
        if (((in8(status) & flag) != 0) == wanted) return true;
    return false;
}

bool send(u16 port, u8 byte) {
    if (!wait_for(input_full, false)) return false;
    out8(port, byte);
    return true;
}

void drain() {
    for (u32 i = 0; i < patience && (in8(status) & output_full) != 0; i++)
        in8(data);
}

}  // namespace

void Keyboard::init() {
    if (in8(status) == nobody || !send(command, keyboard_off)) return;
    drain();
    if (!send(command, read_configuration) || !wait_for(output_full, true)) return;
    u8 configuration = in8(data) & ~(mouse_interrupt | stopped);
    configuration |= interrupt | mouse_stopped | translate;
    present_ = send(command, write_configuration) && send(data, configuration) &&
               send(command, keyboard_on) && send(data, report_keys);
}

std::string Keyboard::read() {
    std::string typed;
    u8 state;
    while (present_ && ((state = in8(status)) & output_full) != 0) {
        u8 code = in8(data);
        if ((state & from_mouse) == 0) typed += keys_.take(code);
    }
    return typed;
}

}  // namespace dom0

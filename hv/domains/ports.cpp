// Legacy ports: nothing is there, except one line of text and an answer that ends a calibration.
#include <domains/exits.hpp>
#include <domains/household.hpp>

namespace hv {
namespace {

constexpr u16 debug_console = 0xe9;   ///< one letter a write, on Bochs, QEMU and Xen alike
constexpr u16 pit_channel_2 = 0x42;

/// Gathers a line of what a guest writes to port 0xe9, and prints it whole.
void gather(Vcpu& vcpu, char letter) {
    if (letter != '\n') {
        vcpu.port_line.write({&letter, 1});
        return;
    }
    TextBuffer<160> line;
    print(line, "(d{}) {}\n", vcpu.domain.id, vcpu.port_line.view());
    vcpu.domain.machine.console.write_guest(line.view());
    vcpu.port_line.clear();
}

/// What a read finds: all ones, as on a bus where nobody answers. A PIT that stands at zero ends
/// Linux's calibration at once; all ones would be read 100,000 times.
u32 read_nothing(u16 port) { return port == pit_channel_2 ? 0 : ~0u; }

}  // namespace

Outcome answer_port(Cpu&, Vcpu& vcpu, const x86::Exit::Port& port) {
    u64& rax = vcpu.hardware.gpr.rax;
    if (port.string) {
        // Nothing is there for INS to bring or OUTS to take; the count is used up
        if (port.repeated)
            vcpu.hardware.gpr.rcx = 0;
        return Outcome::complete;
    }
    if (!port.in) {
        if (port.number == debug_console)
            gather(vcpu, static_cast<char>(rax));
        return Outcome::complete;
    }
    const u32 mask = port.size == 4 ? ~0u : (1u << port.size * 8) - 1;
    const u32 value = read_nothing(port.number) & mask;
    rax = port.size == 4 ? value : (rax & ~u64{mask}) | value;
    return Outcome::complete;
}

}  // namespace hv

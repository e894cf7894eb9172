// The end of a machine: what is said when an invariant of our own is broken.
#include <boot/machine.hpp>
#include <x86/privileged.hpp>

namespace hv {

void panic_with(std::string_view format, std::span<const Argument> arguments) {
    x86::disable_interrupts();
    Cpu& cpu = this_cpu();
    Console& console = cpu.machine->console;
    console.break_lock();
    print(console, "\nI panic on pCPU {}: ", cpu.number);
    print_to(console, format, arguments);
    console.write("\n");
    x86::halt_forever();
}

}  // namespace hv

// survey: a guest that says what its start info told it, and then sleeps.
#include <boot/start-info/start_info.hpp>
#include <kit/cpu.hpp>
#include <kit/guest.hpp>
#include <kit/print.hpp>

void guest_main() {
    using kit::print;
    // Below 4 GiB a small guest sees all addresses, where it has memory and where it has none
    survey::Memory memory{static_cast<const kit::u8*>(nullptr), 4 * kit::GiB};
    hvm_start_info info;
    if (survey::find_start_info(memory, kit::guest().start_info, info)) {
        print("survey: RAM {}\n", survey::measure_ram(memory, info));
        print("survey: command line '{}'\n", survey::command_line(memory, info));
        print("survey: module {}\n", survey::digest_module(memory, info));
    } else {
        print("survey: I found no start info\n");
    }
    for (;;) kit::sleep_until_interrupt();
}

// The start info and the state of the CPU at the entry's end (xen/arch-x86/hvm/start_info.h).
#include "ask.hpp"

namespace oracle {
namespace {

const hvm_start_info& info() { return *reinterpret_cast<hvm_start_info*>(guest().start_info); }

u64 control_register(unsigned number) {
    u64 value = 0;
    if (number == 0)
        asm("mov %%cr0, %0" : "=r"(value));
    else if (number == 4)
        asm("mov %%cr4, %0" : "=r"(value));
    else
        asm("mov %%cr8, %0" : "=r"(value));
    return value;
}

}  // namespace

void ask_start() {
    tell("start.magic", hex(info().magic));
    tell("start.version", info().version);
    tell("start.flags", info().flags);
    tell("start.modules", info().nr_modules);
    tell("start.module list: null", info().modlist_paddr == 0);
    tell("start.command line: null", info().cmdline_paddr == 0);
    tell("start.command line: below 4 GiB", info().cmdline_paddr < 4 * GiB);
    tell("start.info: below 4 GiB", guest().start_info < 4 * GiB);
    tell("start.RSDP", hex(info().rsdp_paddr));
    tell("start.map: lines", info().memmap_entries);
    for (size_t i = 0; i < guest().memory_map.size(); i++) {
        const auto& line = guest().memory_map[i];
        tell("start.map: start of line", words("{}", i), hex(line.addr));
        tell("start.map: size of line", words("{}", i), hex(line.size));
        tell("start.map: type of line", words("{}", i), line.type);
    }
    tell("start.CR0 of the kit", hex(control_register(0)));
    tell("start.CR4 of the kit", hex(control_register(4)));
    tell("start.CR8", hex(control_register(8)));
    u64 flags;
    asm("pushfq; pop %0" : "=r"(flags));
    tell("start.interrupts: on", (flags & 0x200) != 0);
    u64 dr6, dr7;
    asm("mov %%dr6, %0; mov %%dr7, %1" : "=r"(dr6), "=r"(dr7));
    tell("start.DR6", hex(dr6));
    tell("start.DR7", hex(dr7));
}

}  // namespace oracle

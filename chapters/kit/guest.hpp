// What a guest finds when it wakes: its start info, checked, and the memory that is its own.
#pragma once

#include "types.hpp"
#include "xen.hpp"

namespace kit {

/// The start info, as views into guest memory (hvm/start_info.h).
struct Guest {
    std::string_view command_line;
    std::span<const hvm_memmap_table_entry> memory_map;
    std::span<const hvm_modlist_entry> modules;
    u64 start_info = 0;

    /// The value of `name=value` on the command line, up to the next space; empty when absent.
    std::string_view option(std::string_view name) const;
};

/// This guest. Valid from guest_main() on.
const Guest& guest();

/// The bytes of a module that the toolstack handed over.
std::span<const u8> module_bytes(const hvm_modlist_entry& module);

/// First frame of `count` frames of guest physical address space, at or above 1 GiB, that the
/// memory map does not mention: free for mappings. Each call returns a new range.
Gfn take_address_space(u64 count);

}  // namespace kit

/// Where each guest's own code begins: console, heap, traps, and hypercalls are ready.
void guest_main();

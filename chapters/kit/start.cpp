// From the entry to guest_main: what must be ready before a guest's own code runs, in order.
#include "cpu.hpp"
#include "guest.hpp"
#include "heap.hpp"
#include "hypercall.hpp"
#include "print.hpp"
#include "traps.hpp"

#include <base/panic.hpp>

extern "C" char image_start[], image_end[];
extern "C" void (*constructors_start[])(), (*constructors_end[])();

namespace kit {
namespace {

constinit Guest this_guest;
constinit u64 next_address_space = 1 * GiB;

/// Where libraries that were built with a stack protector look for their canary: %fs:0x28.
alignas(16) constinit u64 thread_area[16] = {0, 0, 0, 0, 0, 0x5afe5afe5afe0a00};

/// XENMEM_memory_map: the map as a PC's BIOS would tell it. Xen gives its first child no other.
std::span<const hvm_memmap_table_entry> ask_for_memory_map() {
    struct [[gnu::packed]] E820Entry {
        u64 address, size;
        u32 type;
    };
    static constinit E820Entry raw[64] = {};
    static constinit hvm_memmap_table_entry map[64] = {};
    xen_memory_map argument = {};
    argument.nr_entries = 64;
    set_xen_guest_handle(argument.buffer, static_cast<void*>(raw));
    if (!memory_op(XENMEM_memory_map, &argument)) return {};
    for (u32 i = 0; i < argument.nr_entries; i++)
        map[i] = {raw[i].address, raw[i].size, raw[i].type, 0};
    return {map, argument.nr_entries};
}

void read_start_info(u64 address) {
    auto& info = *reinterpret_cast<const hvm_start_info*>(address);
    if (info.magic != XEN_HVM_START_MAGIC_VALUE)
        panic("the start info has no magic: {:x}", info.magic);

    this_guest.start_info = address;
    if (info.cmdline_paddr != 0)
        this_guest.command_line = reinterpret_cast<const char*>(info.cmdline_paddr);
    this_guest.modules = {reinterpret_cast<const hvm_modlist_entry*>(info.modlist_paddr),
                          info.nr_modules};
    if (info.version >= 1 && info.memmap_entries > 0)
        this_guest.memory_map = {reinterpret_cast<const hvm_memmap_table_entry*>(info.memmap_paddr),
                                 info.memmap_entries};
    else
        this_guest.memory_map = ask_for_memory_map();
}

struct Range {
    u64 start, end;
    bool overlaps(Range other) const { return start < other.end && other.start < end; }
};

/// The largest part of `range` that nothing of the toolstack's or of ours occupies.
Range largest_free_part(Range range) {
    auto cut = [&range](Range taken) {
        if (!range.overlaps(taken)) return;
        Range below{range.start, taken.start < range.start ? range.start : taken.start};
        Range above{taken.end > range.end ? range.end : taken.end, range.end};
        range = above.end - above.start >= below.end - below.start ? above : below;
    };
    cut({0, 1 * MiB});
    cut({4 * GiB, ~0ull});
    cut({reinterpret_cast<u64>(image_start), reinterpret_cast<u64>(image_end)});
    cut({this_guest.start_info, this_guest.start_info + page_size});
    cut({reinterpret_cast<u64>(this_guest.memory_map.data()),
         reinterpret_cast<u64>(this_guest.memory_map.data() + this_guest.memory_map.size())});
    cut({reinterpret_cast<u64>(this_guest.command_line.data()),
         reinterpret_cast<u64>(this_guest.command_line.data()) + this_guest.command_line.size() +
             1});
    cut({reinterpret_cast<u64>(this_guest.modules.data()),
         reinterpret_cast<u64>(this_guest.modules.data() + this_guest.modules.size())});
    for (auto& module : this_guest.modules) {
        cut({module.paddr, module.paddr + module.size});
        if (module.cmdline_paddr != 0)
            cut({module.cmdline_paddr, module.cmdline_paddr + page_size});
    }
    return range;
}

void adopt_memory() {
    Range best{0, 0};
    for (auto& entry : this_guest.memory_map) {
        if (entry.type != XEN_HVM_MEMMAP_TYPE_RAM) continue;
        Range part = largest_free_part({entry.addr, entry.addr + entry.size});
        if (part.end - part.start > best.end - best.start) best = part;
    }
    best = {align_up(best.start, page_size), align_down(best.end, page_size)};
    if (best.end <= best.start) panic("the memory map has no room for a heap");
    heap().adopt(reinterpret_cast<void*>(best.start), best.end - best.start);
}

/// Our own globals are constant-initialised; a library that we link may bring a constructor.
void run_constructors() {
    for (auto* constructor = constructors_start; constructor < constructors_end; constructor++)
        (*constructor)();
}

}  // namespace

const Guest& guest() { return this_guest; }

std::string_view Guest::option(std::string_view name) const {
    for (size_t at = 0; at < command_line.size();) {
        size_t end = command_line.find(' ', at);
        if (end == command_line.npos) end = command_line.size();
        auto word = command_line.substr(at, end - at);
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
            return word.substr(name.size() + 1);
        at = end + 1;
    }
    return {};
}

std::span<const u8> module_bytes(const hvm_modlist_entry& module) {
    return {reinterpret_cast<const u8*>(module.paddr), module.size};
}

Gfn take_address_space(u64 count) {
    Range wanted{next_address_space, next_address_space + count * page_size};
    for (bool moved = true; moved;) {
        moved = false;
        for (auto& entry : this_guest.memory_map) {
            if (!wanted.overlaps({entry.addr, entry.addr + entry.size})) continue;
            u64 start = align_up(entry.addr + entry.size, 2 * MiB);
            wanted = {start, start + count * page_size};
            moved = true;
        }
    }
    if (wanted.end > 0xfc000000) panic("no free address space for {} pages", count);
    next_address_space = wanted.end;
    return Gfn{wanted.start >> page_shift};
}

}  // namespace kit

extern "C" void kit_start(hv::u64 start_info) {
    using namespace kit;
    constexpr u32 fs_base_msr = 0xc0000100;
    wrmsr(fs_base_msr, reinterpret_cast<u64>(thread_area));
    traps_init();
    if (!hypercall_init()) panic("no hypervisor here that speaks Xen's ABI: no signature in CPUID");
    read_start_info(start_info);
    console_init();
    adopt_memory();
    run_constructors();
    guest_main();
    shut_down(Shutdown::poweroff);
}

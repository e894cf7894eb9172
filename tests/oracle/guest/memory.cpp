// memory_op (xen/memory.h): RAM asked for and given back, who has how much, the memory map.
#include "places.hpp"

#include <kit/heap.hpp>

namespace oracle {
namespace {

constexpr u64 free_gfn = 0x60000;  // outside of RAM, and of everything that a toolstack places

long memory(u32 command, const void* argument) {
    return hypercall(__HYPERVISOR_memory_op, command, address(argument));
}

/// A reservation of `count` extents of 2^order pages; the list stands at `list`.
long reserve(u32 command, u64 list, u64 count, u32 order = 0, u16 domain = DOMID_SELF,
             u32 start = 0) {
    xen_memory_reservation wish = {};
    wish.extent_start.p = reinterpret_cast<xen_pfn_t*>(list);
    wish.nr_extents = count;
    wish.extent_order = order;
    wish.domid = domain;
    return memory(command | start << 6, &wish);
}

struct Operation {
    std::string_view name;
    u32 command;
};

constexpr Operation changes[] = {
    {"increase", XENMEM_increase_reservation},
    {"decrease", XENMEM_decrease_reservation},
    {"populate", XENMEM_populate_physmap},
};

/// What is refused, whatever it would change: each answer is the number of extents done.
void ask_refusals(const Operation& operation) {
    const auto name = words("memory.{}", operation.name);
    const auto question = name.view();
    u64 extents[4] = {free_gfn, free_gfn + 1, free_gfn + 2, free_gfn + 3};
    const u64 list = address(extents);
    const u32 command = operation.command;
    tell(question, "no extents", reserve(command, list, 0));
    tell(question, "start beyond the end", reserve(command, list, 2, 0, DOMID_SELF, 3));
    tell(question, "start at the end", reserve(command, list, 2, 0, DOMID_SELF, 2));
    tell(question, "count beyond the limit", reserve(command, list, 1ull << 26));
    tell(question, "count of all ones", reserve(command, list, ~0ull));
    tell(question, "order 10", reserve(command, list, 1, 10));
    tell(question, "order 19", reserve(command, list, 1, 19));
    tell(question, "order 64", reserve(command, list, 1, 64));
    tell(question, "order of all ones", reserve(command, list, 1, ~0u));
    tell(question, "for dom0", reserve(command, list, 1, 0, 0));
    tell(question, "for no domain", reserve(command, list, 1, 0, 9999));
    tell(question, "for DOMID_INVALID", reserve(command, list, 1, 0, DOMID_INVALID));
    tell(question, "absent list", reserve(command, absent_page(), 1));
    tell(question, "list without RAM", reserve(command, page_without_ram(), 1));
    tell(question, "absent argument", hypercall(__HYPERVISOR_memory_op, command, absent_page()));
    u64 nowhere[] = {~0ull};
    tell(question, "extent of all ones", reserve(command, address(nowhere), 1));
    nowhere[0] = 1ull << 40;
    tell(question, "extent of 2^40", reserve(command, address(nowhere), 1));
}

void ask_changes() {
    u64 holes[4] = {free_gfn, free_gfn + 1, free_gfn + 2, free_gfn + 3};
    tell("memory.decrease: never populated",
         reserve(XENMEM_decrease_reservation, address(holes), 4));
    auto* pages = static_cast<u8*>(take_pages(16));
    const u64 first = address(pages) >> page_shift;
    u64 own[4] = {first, first + 1, first + 2, first + 3};
    const long before = memory(XENMEM_current_reservation, &own);
    tell("memory.decrease: four pages", reserve(XENMEM_decrease_reservation, address(own), 4));
    tell("memory.decrease: again", reserve(XENMEM_decrease_reservation, address(own), 4));
    tell("memory.populate: four pages", reserve(XENMEM_populate_physmap, address(own), 4));
    tell("memory.populate: reads as zero", pages[0] == 0 && pages[page_size * 3] == 0);
    tell("memory.populate: what is there already",
         reserve(XENMEM_populate_physmap, address(own), 4));
    tell("memory.decrease: from the second on",
         reserve(XENMEM_decrease_reservation, address(own), 4, 0, DOMID_SELF, 1));
    tell("memory.populate: from the second on",
         reserve(XENMEM_populate_physmap, address(own), 4, 0, DOMID_SELF, 1));
    u64 pair[] = {first + 2};
    tell("memory.decrease: order 1", reserve(XENMEM_decrease_reservation, address(pair), 1, 1));
    tell("memory.populate: order 1", reserve(XENMEM_populate_physmap, address(pair), 1, 1));
    u64 odd[] = {first + 1};
    tell("memory.decrease: order 1, unaligned",
         reserve(XENMEM_decrease_reservation, address(odd), 1, 1));
    tell("memory.populate: order 1, unaligned",
         reserve(XENMEM_populate_physmap, address(odd), 1, 1));
    u64 mixed[] = {first, free_gfn, first + 1};
    tell("memory.decrease: a hole in the middle",
         reserve(XENMEM_decrease_reservation, address(mixed), 3));
    tell("memory.populate: it comes back", reserve(XENMEM_populate_physmap, address(mixed), 1));
    tell("memory.populate: beyond the limit",
         reserve(XENMEM_populate_physmap, address(holes), 1) >= 0);
    tell("memory.current: changed by", long(memory(XENMEM_current_reservation, &own)) - before);
}

void ask_sizes() {
    constexpr Operation sizes[] = {
        {"current_reservation", XENMEM_current_reservation},
        {"maximum_reservation", XENMEM_maximum_reservation},
        {"maximum_gpfn", XENMEM_maximum_gpfn},
    };
    for (const auto& size : sizes) {
        for (const domid_t domain : {domid_t{DOMID_SELF}, domid_t{0}, domid_t{9999}}) {
            const long got = memory(size.command, &domain);
            const auto name = words("memory.{}", size.name);
            tell(name.view(), words("domain {}", domain), got > 0 ? hex(u64(got)) : Told{got});
        }
        const auto name = words("memory.{}", size.name);
        tell(name.view(), "absent", hypercall(__HYPERVISOR_memory_op, size.command, absent_page()));
    }
    tell("memory.maximum_ram_page: positive", memory(XENMEM_maximum_ram_page, nullptr) > 0);
}

struct [[gnu::packed]] MapLine {
    u64 address, size;
    u32 type;
};

long memory_map(u32 command, void* buffer, u32& entries) {
    xen_memory_map argument = {};
    argument.nr_entries = entries;
    set_xen_guest_handle(argument.buffer, buffer);
    const long result = memory(command, &argument);
    entries = argument.nr_entries;
    return result;
}

void ask_map() {
    MapLine lines[32] = {};
    u32 entries = 32;
    tell("memory.map", memory_map(XENMEM_memory_map, lines, entries));
    tell("memory.map: lines", entries);
    for (u32 i = 0; i < entries && i < 32; i++) {
        tell("memory.map: start of line", words("{}", i), hex(lines[i].address));
        tell("memory.map: size of line", words("{}", i), hex(lines[i].size));
        tell("memory.map: type of line", words("{}", i), lines[i].type);
    }
    entries = 1;
    tell("memory.map: room for one", memory_map(XENMEM_memory_map, lines, entries));
    tell("memory.map: room for one, lines", entries);
    entries = 0;
    tell("memory.map: room for none", memory_map(XENMEM_memory_map, lines, entries));
    tell("memory.map: room for none, lines", entries);
    entries = 32;
    auto* absent = reinterpret_cast<void*>(absent_page());
    tell("memory.map: absent buffer", memory_map(XENMEM_memory_map, absent, entries));
    tell("memory.map: absent argument",
         hypercall(__HYPERVISOR_memory_op, XENMEM_memory_map, absent_page()));
    entries = 32;
    tell("memory.machine_map", memory_map(XENMEM_machine_memory_map, lines, entries));
    xen_foreign_memory_map foreign = {};
    foreign.domid = DOMID_SELF;
    tell("memory.set_map: own, empty", memory(XENMEM_set_memory_map, &foreign));
    foreign.map.nr_entries = 1000;
    tell("memory.set_map: too many lines", memory(XENMEM_set_memory_map, &foreign));
    foreign.map.nr_entries = 0;
    foreign.domid = 0;
    tell("memory.set_map: dom0's", memory(XENMEM_set_memory_map, &foreign));
    foreign.domid = 9999;
    tell("memory.set_map: nobody's", memory(XENMEM_set_memory_map, &foreign));
}

}  // namespace

void ask_memory() {
    for (const Operation& operation : changes)
        ask_refusals(operation);
    ask_changes();
    ask_sizes();
    ask_map();
    alignas(16) u8 zeros[256] = {};
    for (u32 command = 0; command < 40; command++) {
        const bool asked = command <= XENMEM_memory_map || command == XENMEM_set_memory_map;
        if (asked) continue;
        tell("memory.zeros", words("command {}", command), memory(command, zeros));
        tell("memory.absent", words("command {}", command),
             hypercall(__HYPERVISOR_memory_op, command, absent_page()));
        memset(zeros, 0, sizeof zeros);
    }
}

}  // namespace oracle

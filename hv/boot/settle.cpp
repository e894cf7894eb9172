// Settling in memory: the frame table, page tables of the hypervisor's own, and what is left.
#include <algorithm>
#include <boot/start.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], text_end[], rodata_end[], data_end[], image_end[];

namespace hv::boot {
namespace {

/// Maps the image: each part with the rights it needs, and no more.
Result<> map_image(HostTables& tables, const MachineFacts& facts) {
    const auto map_part = [&](const char* from, const char* to, x86::Access access) {
        return tables.map(reinterpret_cast<u64>(from),
                          facts.image_start + static_cast<u64>(from - image_start),
                          static_cast<u64>(to - from), access);
    };
    TRY(map_part(image_start, text_end, {.read = true, .execute = true}));
    TRY(map_part(text_end, rodata_end, x86::read_only));
    TRY(map_part(rodata_end, data_end, x86::read_write));
    return map_part(data_end, image_end, x86::read_only);
}

Result<> map_memory(HostTables& tables, const MachineFacts& facts) {
    for (const MemoryRange& range : facts.ranges())
        if (range.usable())
            TRY(tables.map(direct_map + range.start.value, range.start, range.bytes,
                           x86::read_write));
    return {};
}

Result<> map_devices(HostTables& tables, const MachineFacts& facts) {
    const auto map_page = [&](u64 address, Mpa page) {
        return tables.map(address, Mpa{align_down(page.value, page_size)}, page_size,
                          x86::read_write, x86::MemoryType::uncached);
    };
    TRY(map_page(local_apic_window, facts.local_apic));
    if (facts.io_apic.value != 0)
        TRY(map_page(io_apic_window, facts.io_apic));

    // The screen keeps its place in the direct map
    const u64 start = align_down(facts.screen.start.value, page_size);
    const u64 end = align_up(facts.screen.start.value + facts.screen.bytes(), page_size);
    return tables.map(direct_map + start, Mpa{start}, end - start, x86::read_write,
                      x86::MemoryType::uncached);
}

/// Stacks with a hole beneath each: running out of one is a page fault, not a corrupted neighbour.
Result<> map_stacks(HostTables& tables, EarlyFrames& frames, u64 cpus) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
        for (u8 use = 0; use < stack_uses; ++use) {
            const auto stack = frames.take(stack_bytes >> page_shift);
            TRY(stack);
            TRY(tables.map(stack_top(cpu, use) - stack_bytes, *stack, stack_bytes,
                           x86::read_write));
        }
    return {};
}

/// What stays occupied for ever: the first MiB (firmware's, and where other pCPUs wake), the image,
/// and the boot module.
std::array<Occupied, 3> kept_by_others(const MachineFacts& facts) {
    const u64 module_end = facts.module_start.value + facts.module_bytes;
    return {{{Mpa{0}, Mpa{MiB}},
             {facts.image_start, facts.image_end},
             {facts.module_start, Mpa{align_up(module_end, page_size)}}}};
}

/// The largest stretch of free RAM that the first tables show.
Occupied largest_hole(const MachineFacts& facts) {
    Occupied best{};
    for_each_free(facts.ranges(), kept_by_others(facts), [&](Mpa start, Mpa end) {
        end = std::min(end, Mpa{first_tables_reach});
        if (start < end && end - start > best.end - best.start)
            best = {start, end};
    });
    return best;
}

/// Moves the boot module to the top of the hole when a loader put it below: there, one large
/// stretch from 16 MiB on is wanted for the first domain.
Result<> move_module_up(Machine& machine, EarlyFrames& early, const Occupied& hole) {
    MachineFacts& facts = machine.facts;
    if (facts.module_bytes == 0 || facts.module_start > hole.start)
        return {};
    const auto place = early.take(align_up(facts.module_bytes, page_size) >> page_shift);
    TRY(place);
    const u8* module = machine.memory.at(facts.module_start);
    std::copy(module, module + facts.module_bytes, machine.memory.at(*place));
    facts.module_start = *place;
    return {};
}

}  // namespace

Result<> settle(Machine& machine, u64 cpus) {
    MachineFacts& facts = machine.facts;
    const Mpa top = top_of_ram(facts.ranges());
    const Occupied hole = largest_hole(facts);
    EarlyFrames early{machine.memory, hole.start, hole.end};
    TRY(move_module_up(machine, early, hole));

    // The final tables, and the table of frames that they show
    const bool pages_of_1g = x86::cpuid_if_present(0x80000001).edx & 1 << 26;
    HostTables tables{machine.memory, early, pages_of_1g};
    TRY(tables.begin());
    TRY(map_image(tables, facts));
    TRY(map_memory(tables, facts));
    TRY(map_devices(tables, facts));
    TRY(map_stacks(tables, early, cpus));
    machine.trace_bytes = align_up(machine.options.trace_kib * KiB, page_size);
    machine.trace_rings = TRY(early.take(cpus * machine.trace_bytes >> page_shift));
    const auto table_frames = tables.map_frame_table(frame_table_window, facts.ranges());
    TRY(table_frames);
    facts.host_tables = tables.root();
    x86::write_cr3(tables.root().value);
    machine.memory = PhysicalMemory{machine.memory.at(Mpa{0}), top.value};
    machine.frames.lay_out(machine.memory, reinterpret_cast<FrameRow*>(frame_table_window),
                           frame_of(top).value);

    // All RAM that nobody holds goes to the allocator
    const auto others = kept_by_others(facts);
    const std::array<Occupied, 4> all{others[0], others[1], others[2], early.taken()};
    for_each_free(facts.ranges(), all, [&](Mpa start, Mpa end) {
        machine.frames.add(frame_of(start), (end - start) >> page_shift);
    });

    // dom0 may be shown the rings; the last use of their frames is ours
    for (u64 at = 0; at < cpus * machine.trace_bytes; at += page_size)
        machine.frames.row(frame_of(machine.trace_rings + at)) = {.uses = 1,
                                                                  .owner = owner_hypervisor};
    open_trace(*machine.cpus[0], machine.memory.at(machine.trace_rings), machine.trace_bytes);

    const u64 image = facts.image_end - facts.image_start;
    const u64 kept = (image + (early.taken().end - early.taken().start)) >> page_shift;
    tell(*machine.cpus[0], memory_kept, owner_hypervisor, kept,
         machine.frames.free_count(), *table_frames * page_size / KiB, tables.table_count());
    tell(*machine.cpus[0], tables_switched, owner_hypervisor, tables.root().value);
    return {};
}

}  // namespace hv::boot

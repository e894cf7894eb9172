// How tables are read and changed while CPUs walk them: the members of PageTable.
#pragma once

#include <x86/page_table.hpp>

namespace hv::x86 {

// Spelling

constexpr u64 EntryFormat::leaf(const Mapping& mapping) const {
    if (!mapping.access.any())
        return 0;
    return address_of(mapping.frame).value | page_bits | (mapping.access.write ? write_bit : 0) |
           (mapping.access.execute ? execute : no_execute) |
           (mapping.type == MemoryType::uncached ? uncached : write_back) |
           (mapping.order > 0 ? large_bit : 0);
}

constexpr Mapping EntryFormat::read(u64 entry, unsigned level) const {
    if (!present(entry))
        return {};
    const bool is_uncached = (entry & (write_back | uncached)) == uncached;
    return {.frame = frame(entry),
            .order = order_of_level(level),
            .access = {.read = true,
                       .write = (entry & write_bit) != 0,
                       .execute = (entry & (execute | no_execute)) == execute},
            .type = is_uncached ? MemoryType::uncached : MemoryType::write_back};
}

// Reading

/// True when 2^order frames from `gfn` are one naturally aligned page that the tables can name.
template <TableMemory Memory>
bool PageTable<Memory>::sound(Gfn gfn, u8 order) {
    return is_page_order(order) && gfn < gfn_limit && gfn.value % (1ull << order) == 0;
}

template <TableMemory Memory>
bool PageTable<Memory>::is_table(const Step& step) const {
    return format_.present(step.value) && !format_.is_leaf(step.value, step.level);
}

/// Reads the entry for `gfn` in a table of `level`.
template <TableMemory Memory>
Step PageTable<Memory>::step_into(Mfn table, Gfn gfn, unsigned level) const {
    const u64 index = gfn.value >> order_of_level(level) & (entries - 1);
    const Mpa entry = address_of(table) + index * sizeof(u64);
    return {level, entry, memory_.read(entry)};
}

/// Walks towards `gfn`, to the entry at `level` or to where the tables end before it.
template <TableMemory Memory>
Step PageTable<Memory>::descend(Gfn gfn, unsigned level) const {
    Step step = step_into(root_, gfn, top_level);
    while (step.level > level && is_table(step))
        step = step_into(format_.frame(step.value), gfn, step.level - 1);
    return step;
}

template <TableMemory Memory>
Result<Mapping> PageTable<Memory>::look_up(Gfn gfn) const {
    if (gfn >= gfn_limit)
        return Error{XEN_ENOENT};
    const Step step = descend(gfn, 0);
    if (!format_.present(step.value))
        return Error{XEN_ENOENT};
    return format_.read(step.value, step.level);
}

template <TableMemory Memory>
template <class Visit>
void PageTable<Memory>::for_each(Visit visit, Gfn from, Gfn end) const {
    while (from < end) {
        // A page, or a hole as large as the entry that is empty
        const Step step = descend(from, 0);
        const u64 span = 1ull << order_of_level(step.level);
        const Gfn first{align_down(from.value, span)};
        if (format_.present(step.value) && !visit(first, format_.read(step.value, step.level)))
            return;
        from = first + span;
    }
}

// Changing

template <TableMemory Memory>
Result<Flush> PageTable<Memory>::map(Gfn gfn, const Mapping& mapping) {
    if (!sound(gfn, mapping.order) || mapping.frame.value % (1ull << mapping.order) != 0 ||
        !mapping.access.read)
        return Error{XEN_EINVAL};
    const Result<Step> step = reach(gfn, level_of_order(mapping.order));
    TRY(step);
    return replace(*step, format_.leaf(mapping));
}

template <TableMemory Memory>
Result<Flush> PageTable<Memory>::unmap(Gfn gfn, u8 order) {
    if (!sound(gfn, order))
        return Error{XEN_EINVAL};
    // A hole needs no tables to say that it is one
    if (!format_.present(descend(gfn, level_of_order(order)).value))
        return Flush{};
    const Result<Step> step = reach(gfn, level_of_order(order));
    TRY(step);
    return replace(*step, 0);
}

/// The entry for `gfn` at `level` exactly. Where the tables end too early, a table is put in that
/// says the same in smaller pieces, so that no CPU can tell the difference.
template <TableMemory Memory>
Result<Step> PageTable<Memory>::reach(Gfn gfn, unsigned level) {
    Step step = descend(gfn, level);
    while (step.level > level) {
        const Result<Mfn> table = refine(step);
        TRY(table);
        memory_.write(step.entry, format_.table(*table));
        step = step_into(*table, gfn, step.level - 1);
    }
    return step;
}

/// A new table that says what `step`'s entry says: nothing, or one page in 512 pieces.
/// It is whole before anything leads to it.
template <TableMemory Memory>
Result<Mfn> PageTable<Memory>::refine(const Step& step) {
    const Result<Mfn> table = memory_.take_table();
    if (!table.ok() || !format_.present(step.value))
        return table;
    Mapping piece = format_.read(step.value, step.level);
    piece.order = order_of_level(step.level - 1);
    for (u64 index = 0; index < entries; ++index) {
        memory_.write(address_of(*table) + index * sizeof(u64), format_.leaf(piece));
        piece.frame = piece.frame + (1ull << piece.order);
    }
    return table;
}

/// The one write that changes what is mapped: a leaf, or nothing, takes the entry's place.
template <TableMemory Memory>
Flush PageTable<Memory>::replace(const Step& step, u64 value) {
    memory_.write(step.entry, value);

    // Nothing was there: CPUs keep no memory of absence
    if (!format_.present(step.value))
        return {};
    // A table was there, and CPUs may remember the way into it
    if (is_table(step)) {
        retire(format_.frame(step.value), step.level - 1);
        return {.needed = true};
    }
    // A page was there, and it is gone
    if (!format_.present(value))
        return {.needed = true};
    // Or it is another page now, or allows less. To allow more asks for nothing: a CPU walks
    // again before it faults
    const Mapping before = format_.read(step.value, step.level);
    const Mapping after = format_.read(value, step.level);
    return {.needed = before.frame != after.frame || before.type != after.type ||
                      before.access.exceeds(after.access)};
}

/// Gives back a table that nothing leads to, and those below it. Their entries stay as they are,
/// for a CPU that is still on its way through them.
template <TableMemory Memory>
void PageTable<Memory>::retire(Mfn table, unsigned level) {
    for (u64 index = 0; level > 0 && index < entries; ++index) {
        const Mpa entry = address_of(table) + index * sizeof(u64);
        const Step step{level, entry, memory_.read(entry)};
        if (is_table(step))
            retire(format_.frame(step.value), level - 1);
    }
    memory_.give_back_table(table);
}

}  // namespace hv::x86

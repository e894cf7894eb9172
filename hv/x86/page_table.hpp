// The page-table walk: one walk for every format of four-level table, over any memory.
#pragma once

#include <base/result.hpp>
#include <concepts>
#include <x86/page_format.hpp>

namespace hv::x86 {

/// The memory that tables are made of. The machine's is the direct map; a test's records each
/// write. CPUs walk the same memory at the same time: a write is one 64-bit store, seen after every
/// earlier one.
template <class M>
concept TableMemory = requires(M memory, Mpa entry, u64 value, Mfn table) {
    { memory.read(entry) } -> std::same_as<u64>;
    { memory.write(entry, value) };
    { memory.take_table() } -> std::same_as<Result<Mfn>>;  ///< zeroed
    /// No entry leads to `table` any more, but a CPU may still be in it: it stays as it is, and out
    /// of reuse, until the flush that the same change asks for is done.
    { memory.give_back_table(table) };
};

/// Frame numbers that four levels can name: [0, gfn_limit).
inline constexpr Gfn gfn_limit{1ull << (top_level + 1) * bits_per_level};

/// True for the orders that an entry can spell: 0, 9 and 18.
constexpr bool is_page_order(u8 order) { return order % bits_per_level == 0 && order <= 18; }

/// What a change of the tables asks of its caller. Needed: some CPU may hold a translation that is
/// no longer true, so raise the generation, shoot it down, and only then reuse frames and tables.
struct [[nodiscard]] Flush {
    bool needed = false;
};

/// One step of a walk: the entry that was read, where it is, and at which level.
struct Step {
    unsigned level = top_level;
    Mpa entry{};
    u64 value = 0;
};

/// The last table below the root that a walk came to. A walk for another of its frames begins
/// there, as a CPU's does. It is kept with the root, under the same lock.
struct LastTable {
    Mfn table{};             ///< 0: none
    Gfn one{};               ///< of the frames that it is for
    unsigned level = 0;
    bool is_for(Gfn gfn) const {
        return (gfn.value ^ one.value) >> order_of_level(level + 1) == 0 && table.value != 0;
    }
};

/// The four-level tables under one root, in one format. It owns nothing and locks nothing: whoever
/// changes the tables makes it on the spot, holding the lock that guards them (a domain's p2m
/// lock). CPUs need no lock: after every single write they find the old tables or the new ones.
///
///     gfn  35       27 26       18 17        9 8         0     frame number: 4 times 9 bits
///         +-----------+-----------+-----------+-----------+
///         |  level 3  |  level 2  |  level 1  |  level 0  |    each picks one of 512 entries
///         +-----+-----+-----+-----+-----+-----+-----+-----+
///               v           v           v           v
///      root -> entry ----> entry ----> entry ----> entry -> 4 KiB page
///                            |           +-> or a leaf: 2 MiB page (order 9)
///                            +-------------> or a leaf: 1 GiB page (order 18)
template <TableMemory Memory>
class PageTable {
public:
    /// Without `last`, for one who holds no lock, each walk begins at the root.
    PageTable(const EntryFormat& format, Memory& memory, Mfn root, LastTable* last = nullptr)
        : format_{format}, memory_{memory}, root_{root}, last_{last} {}

    /// Maps [gfn, gfn + 2^mapping.order), in place of whatever was mapped there, or, on request,
    /// only where nothing was: else XEN_EEXIST.
    /// XEN_EINVAL: no such order, not aligned to it, out of range, or unreadable (unmap instead).
    /// XEN_ENOMEM: no table could be taken; every translation is as before.
    Result<Flush> map(Gfn gfn, const Mapping& mapping, bool only_new = false);

    /// Unmaps [gfn, gfn + 2^order), all or a piece of one page, and returns the frame that `gfn`
    /// was; a flush is needed. XEN_ENOENT: no page maps all of it. XEN_EINVAL: `may_go(mapping)`,
    /// where the frame is that one, says no, or as map(); XEN_ENOMEM as map().
    template <class MayGo>
    Result<Mfn> unmap(Gfn gfn, u8 order, MayGo may_go);

    /// The whole page that `gfn` lies in, as it is mapped; see frame_of_gfn() for gfn's own frame.
    /// XEN_ENOENT when nothing is mapped there.
    [[gnu::always_inline]] inline Result<Mapping> look_up(Gfn gfn) const;

    /// Calls visit(Gfn first, const Mapping&) -> bool for every page from the one that holds `from`
    /// upwards, until it answers false or a page begins at or beyond `end`.
    template <class Visit>
    void for_each(Visit visit, Gfn from = Gfn{0}, Gfn end = gfn_limit) const;
    /// The first of them, and where it begins; XEN_ENOENT when there is none.
    Result<Mapping> first_page(Gfn& from, Gfn end = gfn_limit) const;

    /// Gives back every table, the root last. No CPU may use this root any more.
    void drop() { retire(root_, top_level); }

private:
    static constexpr u64 entries = 1u << bits_per_level;

    static bool sound(Gfn gfn, u8 order);
    bool is_table(Step step) const;
    [[gnu::always_inline]] inline Step step_into(Mfn table, Gfn gfn, unsigned level) const;
    [[gnu::always_inline]] inline Step descend(Gfn gfn, unsigned level) const;
    [[gnu::always_inline]] inline Result<Step> reach(Step step, Gfn gfn, unsigned level);
    [[gnu::noinline]] Result<Mfn> refine(Step step);
    Flush replace(Step step, u64 value);
    void retire(Mfn table, unsigned level);

    const EntryFormat& format_;
    Memory& memory_;
    Mfn root_;
    LastTable* last_;
};

/// The frame of `gfn` itself, within the page that look_up() found for it.
constexpr Mfn frame_of_gfn(const Mapping& page, Gfn gfn) {
    return page.frame + (gfn.value & ((1ull << page.order) - 1));
}

// Reading

/// True when 2^order frames from `gfn` are one naturally aligned page that the tables can name.
template <TableMemory Memory>
bool PageTable<Memory>::sound(Gfn gfn, u8 order) {
    return is_page_order(order) && gfn < gfn_limit && gfn.value % (1ull << order) == 0;
}

template <TableMemory Memory>
bool PageTable<Memory>::is_table(Step step) const {
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
    const bool nearby = last_ != nullptr && last_->level >= level && last_->is_for(gfn);
    Step step = nearby ? step_into(last_->table, gfn, last_->level)
                       : step_into(root_, gfn, top_level);
    while (step.level > level && is_table(step)) {
        const Mfn table = format_.frame(step.value);
        step = step_into(table, gfn, step.level - 1);
        if (last_ != nullptr)
            *last_ = {table, gfn, step.level};
    }
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

template <TableMemory Memory>
Result<Mapping> PageTable<Memory>::first_page(Gfn& from, Gfn end) const {
    Result<Mapping> found{Error{XEN_ENOENT}};
    for_each([&](Gfn first, const Mapping& page) {
        from = first;
        found = page;
        return false;
    }, from, end);
    return found;
}

// Changing

template <TableMemory Memory>
Result<Flush> PageTable<Memory>::map(Gfn gfn, const Mapping& mapping, bool only_new) {
    if (!sound(gfn, mapping.order) || mapping.frame.value % (1ull << mapping.order) != 0 ||
        !mapping.access.read)
        return Error{XEN_EINVAL};
    const unsigned level = level_of_order(mapping.order);
    const Step step = descend(gfn, level);
    // Of what is there, a page is in the way, and so is a table that leads to one
    Gfn first = gfn;
    if (only_new && format_.present(step.value) &&
        first_page(first, gfn + (1ull << mapping.order)).ok())
        return Error{XEN_EEXIST};
    return replace(TRY(reach(step, gfn, level)), format_.leaf(mapping));
}

template <TableMemory Memory>
template <class MayGo>
Result<Mfn> PageTable<Memory>::unmap(Gfn gfn, u8 order, MayGo may_go) {
    if (!sound(gfn, order))
        return Error{XEN_EINVAL};
    const unsigned level = level_of_order(order);
    const Step step = descend(gfn, level);
    if (!format_.present(step.value) || is_table(step))
        return Error{XEN_ENOENT};
    Mapping page = format_.read(step.value, step.level);
    page.frame = frame_of_gfn(page, gfn);
    if (!may_go(page))
        return Error{XEN_EINVAL};
    (void)replace(TRY(reach(step, gfn, level)), 0);
    return page.frame;
}

/// The entry for `gfn` at `level` exactly, from where the descent to it ended. Where the tables end
/// too early, a table is put in that says the same in smaller pieces, so that no CPU can tell the
/// difference.
template <TableMemory Memory>
Result<Step> PageTable<Memory>::reach(Step step, Gfn gfn, unsigned level) {
    while (step.level > level) {
        const Mfn table = TRY(refine(step));
        memory_.write(step.entry, format_.table(table));
        step = step_into(table, gfn, step.level - 1);
    }
    return step;
}

/// A new table that says what `step`'s entry says: nothing, or one page in 512 pieces.
/// It is whole before anything leads to it.
template <TableMemory Memory>
Result<Mfn> PageTable<Memory>::refine(Step step) {
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
Flush PageTable<Memory>::replace(Step step, u64 value) {
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
    if (last_ != nullptr && last_->table == table)
        *last_ = {};
    memory_.give_back_table(table);
}

}  // namespace hv::x86

// The frame table: a buddy allocator whose free lists run through the rows themselves.
#include <algorithm>
#include <bit>
#include <boot/frames.hpp>
#include <string.h>

namespace hv {
namespace {

constexpr u64 frames_in(u8 order) { return 1ull << order; }

/// The largest order of a block that may begin at `frame` and have at most `room` frames.
u8 largest_order(u64 frame, u64 room) {
    const int by_place = frame == 0 ? FrameTable::max_order : std::countr_zero(frame);
    const int by_room = std::bit_width(room) - 1;
    return static_cast<u8>(std::min({by_place, by_room, int{FrameTable::max_order}}));
}

FrameState state_of(const FrameRow& row) { return static_cast<FrameState>(row.state); }

}  // namespace

void FrameTable::lay_out(const PhysicalMemory& memory, FrameRow* rows, u64 frame_count) {
    memory_ = &memory;
    rows_ = rows;
    frame_count_ = frame_count;
}

void FrameTable::add(Mfn first, u64 count) {
    Guard guard{lock_};
    mark(first, count, owner_nobody, FrameState::free_inside);
    link_stretch(first.value, first.value + count, FrameState::unscrubbed);
    ram_count_ += count;
    free_count_ += count;
}

Result<Mfn> FrameTable::take(DomainId owner, u8 order) {
    Mfn block;
    bool dirty = false;
    {
        Guard guard{lock_};
        u8 found = order;
        while (found <= max_order && heads_[found] == 0)
            ++found;
        if (found > max_order)
            return Error{XEN_ENOMEM};

        // Keep the lower part, and put what is beyond it back
        block = Mfn{heads_[found]};
        const FrameState state = state_of(row(block));
        unlink(block);
        link_stretch(block.value + frames_in(order), block.value + frames_in(found), state);
        mark(block, frames_in(order), owner, FrameState::used);
        row(block).order = order;
        free_count_ -= frames_in(order);
        dirty = state == FrameState::unscrubbed;
    }
    if (dirty)
        scrub(block, frames_in(order));
    return block;
}

Result<> FrameTable::take_range(DomainId owner, Mfn first, u64 count) {
    const u64 end = first.value + count;
    if (!fits(first.value, count, frame_count_))
        return Error{XEN_EBUSY};
    {
        Guard guard{lock_};
        // All of it must be free before any of it is taken
        for (u64 at = first.value; at < end;) {
            const auto block = block_around(Mfn{at});
            if (!block)
                return Error{XEN_EBUSY};
            at = block->value + frames_in(row(*block).order);
        }
        for (u64 at = first.value; at < end;) {
            const Mfn block = *block_around(Mfn{at});
            const u64 block_end = block.value + frames_in(row(block).order);
            const FrameState state = state_of(row(block));
            unlink(block);
            link_stretch(block.value, at, state);
            link_stretch(std::min(end, block_end), block_end, state);
            at = block_end;
        }
        mark(first, count, owner, FrameState::used);
        free_count_ -= count;
    }
    scrub(first, count);
    return {};
}

void FrameTable::give_back(Mfn first, u8 order) {
    scrub(first, frames_in(order));
    Guard guard{lock_};
    mark(first, frames_in(order), owner_nobody, FrameState::free_inside);
    join_and_link(first, order, FrameState::free);
    free_count_ += frames_in(order);
}

bool FrameTable::is_ram(Mfn frame) const {
    return frame.value < frame_count_ && state_of(row(frame)) != FrameState::absent;
}

bool FrameTable::is_free_block(Mfn frame) const {
    const FrameState state = state_of(row(frame));
    return state == FrameState::free || state == FrameState::unscrubbed;
}

/// The free block that holds `frame`; XEN_EBUSY when it is not free.
Result<Mfn> FrameTable::block_around(Mfn frame) const {
    for (u8 order = 0; order <= max_order; ++order) {
        const Mfn head{align_down(frame.value, frames_in(order))};
        if (is_free_block(head) && frame.value < head.value + frames_in(row(head).order))
            return head;
    }
    return Error{XEN_EBUSY};
}

void FrameTable::link(Mfn block, u8 order, FrameState state) {
    FrameRow& head = row(block);
    head.state = static_cast<u8>(state);
    head.order = order;
    head.previous = 0;
    head.next = heads_[order];
    if (head.next != 0)
        rows_[head.next].previous = static_cast<u32>(block.value);
    heads_[order] = static_cast<u32>(block.value);
}

void FrameTable::unlink(Mfn block) {
    FrameRow& head = row(block);
    if (head.previous != 0)
        rows_[head.previous].next = head.next;
    else
        heads_[head.order] = head.next;
    if (head.next != 0)
        rows_[head.next].previous = head.previous;
    head.next = head.previous = 0;
    head.state = static_cast<u8>(FrameState::free_inside);
}

/// Links the free frames [from, to) as the fewest aligned blocks.
void FrameTable::link_stretch(u64 from, u64 to, FrameState state) {
    while (from < to) {
        const u8 order = largest_order(from, to - from);
        link(Mfn{from}, order, state);
        from += frames_in(order);
    }
}

/// Joins a block with its buddy for as long as that is free too; one part unscrubbed spoils all.
void FrameTable::join_and_link(Mfn block, u8 order, FrameState state) {
    while (order < max_order) {
        const Mfn buddy{block.value ^ frames_in(order)};
        if (buddy.value >= frame_count_ || !is_free_block(buddy) || row(buddy).order != order)
            break;
        if (state_of(row(buddy)) == FrameState::unscrubbed)
            state = FrameState::unscrubbed;
        unlink(buddy);
        block = std::min(block, buddy);
        ++order;
    }
    link(block, order, state);
}

void FrameTable::mark(Mfn first, u64 count, DomainId owner, FrameState state) {
    for (u64 i = first.value; i < first.value + count; ++i)
        rows_[i] = FrameRow{.owner = owner, .state = static_cast<u8>(state)};
}

void FrameTable::scrub(Mfn first, u64 count) { memset(memory_->at(first), 0, count * page_size); }

}  // namespace hv

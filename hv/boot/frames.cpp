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
    const int by_place = std::countr_zero(frame);
    const int by_room = 63 - std::countl_zero(room);
    return static_cast<u8>(std::min({by_place, by_room, int{FrameTable::max_order}}));
}

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
    FrameState before;
    {
        Guard guard{lock_};
        u8 found = order;
        while (found <= max_order && heads_[found] == 0)
            ++found;
        if (found > max_order)
            return Error{XEN_ENOMEM};
        block = Mfn{heads_[found]};
        before = row(block).state;
        claim(block, block.value, block.value + frames_in(order), owner);
        row(block).order = order;
    }
    if (before == FrameState::unscrubbed)
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
        for (u64 at = first.value; at < end; ++at)
            if (rows_[at].state < FrameState::free_inside)
                return Error{XEN_EBUSY};
        for (u64 at = first.value; at < end;) {
            const Mfn block = block_around(Mfn{at});
            const u64 to = std::min(end, block.value + frames_in(row(block).order));
            claim(block, at, to, owner);
            at = to;
        }
    }
    scrub(first, count);
    return {};
}

void FrameTable::give_back(Mfn first, u8 order) {
    scrub(first, frames_in(order));
    Guard guard{lock_};
    mark(first, frames_in(order), owner_nobody, FrameState::free_inside);
    join_and_link(first, order);
    free_count_ += frames_in(order);
}

bool FrameTable::is_ram(Mfn frame) const {
    return frame.value < frame_count_ && row(frame).state != FrameState::absent;
}

/// The free block that holds `frame`, which is free.
Mfn FrameTable::block_around(Mfn frame) const {
    Mfn head = frame;
    for (u8 order = 1; row(head).state == FrameState::free_inside; ++order)
        head = Mfn{align_down(frame.value, frames_in(order))};
    return head;
}

/// Gives the frames [from, to) of a free block to `owner`; the rest of the block stays free.
void FrameTable::claim(Mfn block, u64 from, u64 to, DomainId owner) {
    const u64 end = block.value + frames_in(row(block).order);
    const FrameState state = row(block).state;
    unlink(block);
    link_stretch(block.value, from, state);
    link_stretch(to, end, state);
    mark(Mfn{from}, to - from, owner, FrameState::used);
    free_count_ -= to - from;
}

void FrameTable::link(Mfn block, u8 order, FrameState state) {
    FrameRow& head = row(block);
    head.state = state;
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
    head.state = FrameState::free_inside;
}

/// Links the free frames [from, to) as the fewest aligned blocks.
void FrameTable::link_stretch(u64 from, u64 to, FrameState state) {
    while (from < to) {
        const u8 order = largest_order(from, to - from);
        link(Mfn{from}, order, state);
        from += frames_in(order);
    }
}

/// Joins a scrubbed block with its buddy for as long as that is free too, and links it. One part
/// unscrubbed spoils all.
void FrameTable::join_and_link(Mfn block, u8 order) {
    FrameState state = FrameState::free;
    while (order < max_order) {
        const Mfn buddy{block.value ^ frames_in(order)};
        if (buddy.value >= frame_count_ || row(buddy).state < FrameState::free ||
            row(buddy).order != order)
            break;
        if (row(buddy).state == FrameState::unscrubbed)
            state = FrameState::unscrubbed;
        unlink(buddy);
        block = std::min(block, buddy);
        ++order;
    }
    link(block, order, state);
}

void FrameTable::mark(Mfn first, u64 count, DomainId owner, FrameState state) {
    for (u64 i = first.value; i < first.value + count; ++i)
        rows_[i] = FrameRow{.owner = owner, .state = state};
}

void FrameTable::scrub(Mfn first, u64 count) { memset(memory_->at(first), 0, count * page_size); }

}  // namespace hv

// A guest's dynamic memory: the free list, by address.
#include "heap.hpp"

#include <string.h>

namespace kit {

void Heap::adopt(void* start, size_t size) {
    free_ = static_cast<Block*>(start);
    *free_ = {size, nullptr};
}

void* Heap::take(size_t size, size_t alignment) {
    size_t wanted = align_up(size, 16) + sizeof(Block);
    Block** chosen = nullptr;
    u64 header = 0;
    for (Block** link = &free_; *link != nullptr; link = &(*link)->next) {
        auto start = reinterpret_cast<u64>(*link);
        u64 place = place_in(start, start + (*link)->size, wanted, alignment);
        if (place == 0) continue;
        chosen = link;
        header = place;
        if (wanted < large) break;
    }
    return chosen == nullptr ? nullptr : carve(chosen, header, wanted);
}

/// Where in [start, end) a block's header may stand so that what follows it is aligned: as low as
/// possible, or as high for a large block, lest small ones that outlive it cut its place in two.
u64 Heap::place_in(u64 start, u64 end, size_t wanted, size_t alignment) {
    u64 lowest = align_up(start + sizeof(Block), alignment) - sizeof(Block);
    if (lowest + wanted > end) return 0;
    if (wanted < large) return lowest;
    return align_down(end - wanted + sizeof(Block), alignment) - sizeof(Block);
}

/// Takes `wanted` bytes at `header` out of the free block at `link`; what is left stays free.
void* Heap::carve(Block** link, u64 header, size_t wanted) {
    Block* block = *link;
    auto start = reinterpret_cast<u64>(block);
    size_t tail = start + block->size - header - wanted;
    Block* after = block->next;
    if (tail >= 2 * sizeof(Block)) {
        auto* rest = reinterpret_cast<Block*>(header + wanted);
        *rest = {tail, after};
        after = rest;
    } else {
        wanted += tail;
    }
    if (header > start) {
        block->size = header - start;
        block->next = after;
    } else {
        *link = after;
    }
    auto* taken = reinterpret_cast<Block*>(header);
    *taken = {wanted, nullptr};
    return taken + 1;
}

void Heap::give(void* memory) {
    if (memory == nullptr) return;
    Block* block = static_cast<Block*>(memory) - 1;

    Block* before = nullptr;
    Block* after = free_;
    while (after != nullptr && after < block) {
        before = after;
        after = after->next;
    }

    // Join with the neighbour behind, then with the one in front.
    auto end_of = [](Block* b) {
        return reinterpret_cast<Block*>(reinterpret_cast<char*>(b) + b->size);
    };
    block->next = after;
    if (after != nullptr && end_of(block) == after) {
        block->size += after->size;
        block->next = after->next;
    }
    if (before == nullptr) {
        free_ = block;
    } else if (end_of(before) == block) {
        before->size += block->size;
        before->next = block->next;
    } else {
        before->next = block;
    }
}

size_t Heap::free_bytes() const {
    size_t total = 0;
    for (const Block* block = free_; block != nullptr; block = block->next)
        total += block->size;
    return total;
}

}  // namespace kit

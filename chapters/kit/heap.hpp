// A guest's dynamic memory: one arena, first fit; large blocks are taken from its far end.
#pragma once

#include "types.hpp"

namespace kit {

/// A heap over memory that its owner gives it. No state outside the arena but the list's head.
class Heap {
public:
    /// Adopts [start, start + size); both are multiples of 16.
    void adopt(void* start, size_t size);

    /// `size` bytes aligned to `alignment` (a power of two), or null.
    void* take(size_t size, size_t alignment = 16);

    /// Gives back what take() returned; null is fine.
    void give(void* block);

    size_t free_bytes() const;

private:
    struct Block {
        size_t size; // with this header
        Block* next; // while free: the next free block, by address
    };
    static_assert(sizeof(Block) == 16);

    static constexpr size_t large = 1 << 20;

    static u64 place_in(u64 start, u64 end, size_t wanted, size_t alignment);
    static void* carve(Block** link, u64 header, size_t wanted);

    Block* free_ = nullptr;
};

/// The guest's own heap, which operator new and malloc use.
Heap& heap();

/// Whole zeroed pages, aligned to a page. Panics when there are none.
void* take_pages(u64 count);

}  // namespace kit

// A guest's dynamic memory: one arena, first fit, neighbours joined again when freed.
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

    Block* free_ = nullptr;
};

/// The guest's own heap, which operator new and malloc use.
Heap& heap();

/// Whole zeroed pages, aligned to a page. Panics when there are none.
void* take_pages(u64 count);

}  // namespace kit

// The console ring, both ends (xen/io/console.h). The other side's indices are never trusted.
#pragma once

#include "types.hpp"
#include "xen.hpp"

#include <span>

namespace kit {

inline u32 load_index(const XENCONS_RING_IDX& index) {
    return __atomic_load_n(&index, __ATOMIC_ACQUIRE);
}
inline void store_index(XENCONS_RING_IDX& index, u32 value) {
    __atomic_store_n(&index, value, __ATOMIC_RELEASE);
}

/// Copies into a ring whose writer we are. `producer` is our index, `consumer` the other side's.
/// Returns the bytes taken: fewer than offered, or none, when the ring is full or the other side
/// claims to have read what was never written.
template <size_t size>
size_t ring_put(char (&ring)[size], u32& producer, const u32& consumer, std::string_view text) {
    static_assert((size & (size - 1)) == 0);
    u32 at = producer;
    u32 used = at - load_index(consumer);
    if (used > size) return 0;
    size_t count = text.size() < size - used ? text.size() : size - used;
    for (size_t i = 0; i < count; i++)
        ring[(at + i) & (size - 1)] = text[i];
    store_index(producer, u32(at + count));
    return count;
}

/// Copies out of a ring whose reader we are. Returns the bytes read. A writer that claims more than
/// the ring holds has overwritten itself: what is left is the newest `size` bytes.
template <size_t size>
size_t ring_get(const char (&ring)[size], const u32& producer, u32& consumer,
                std::span<char> into) {
    static_assert((size & (size - 1)) == 0);
    u32 end = load_index(producer);
    u32 at = consumer;
    if (end - at > size) at = end - size;
    size_t count = end - at < into.size() ? end - at : into.size();
    for (size_t i = 0; i < count; i++)
        into[i] = ring[(at + i) & (size - 1)];
    store_index(consumer, u32(at + count));
    return count;
}

/// The guest's end: out is written, in is read.
inline size_t guest_put(xencons_interface& ring, std::string_view text) {
    return ring_put(ring.out, ring.out_prod, ring.out_cons, text);
}
inline int guest_get(xencons_interface& ring) {
    char letter;
    return ring_get(ring.in, ring.in_prod, ring.in_cons, {&letter, 1}) == 1 ? u8(letter) : -1;
}

/// The toolstack's end: in is written, out is read.
inline size_t host_put(xencons_interface& ring, std::string_view text) {
    return ring_put(ring.in, ring.in_prod, ring.in_cons, text);
}
inline size_t host_get(xencons_interface& ring, std::span<char> into) {
    return ring_get(ring.out, ring.out_prod, ring.out_cons, into);
}

}  // namespace kit

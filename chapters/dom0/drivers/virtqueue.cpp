// A virtqueue: virtio 1.x, 2.7, "Split Virtqueues".
#include "virtqueue.hpp"

#include <algorithm>
#include <utility>

#define VIRTIO_RING_NO_LEGACY // what this leaves out is C that is no C++
#include <linux/virtio_ring.h>

namespace dom0 {
namespace {

/// The device's ring begins on a page of its own, behind the descriptors and our ring.
size_t used_offset(u16 entries) {
    const size_t ours = sizeof(vring_avail) + (entries + 1) * sizeof(u16);
    return align_up(entries * sizeof(vring_desc) + ours, page_size);
}

}  // namespace

size_t Virtqueue::bytes(u16 entries) {
    const size_t theirs = sizeof(vring_used) + entries * sizeof(vring_used_elem) + sizeof(u16);
    return align_up(used_offset(entries) + theirs, page_size);
}

Virtqueue::Virtqueue(void* memory, u16 entries, u16 slots)
    : entries_{entries}, lent_(std::min(entries, slots)) {
    u8* const start = static_cast<u8*>(memory);
    descriptors_ = reinterpret_cast<vring_desc*>(start);
    available_ = reinterpret_cast<vring_avail*>(descriptors_ + entries);
    used_ = reinterpret_cast<const vring_used*>(start + used_offset(entries));
}

void Virtqueue::lend(u16 slot, const void* buffer, u32 length, Device device) {
    lent_[slot] = length;
    const u16 flags = device == Device::writes ? VRING_DESC_F_WRITE : 0;
    descriptors_[slot] = {reinterpret_cast<u64>(buffer), length, flags, 0};
    available_->ring[available_->idx % entries_] = slot;
    __atomic_store_n(&available_->idx, u16(available_->idx + 1), __ATOMIC_RELEASE);
}

std::optional<Virtqueue::Used> Virtqueue::take_back() {
    if (__atomic_load_n(&used_->idx, __ATOMIC_ACQUIRE) == seen_) return {};
    const volatile vring_used_elem& told = used_->ring[seen_++ % entries_];
    const u32 slot = told.id, length = told.len;
    if (slot >= lent_.size() || lent_[slot] == 0) return {};
    return Used{u16(slot), std::min(length, std::exchange(lent_[slot], 0))};
}

std::optional<u16> Virtqueue::slot_here() const {
    const auto slot = std::find(lent_.begin(), lent_.end(), 0u);
    return slot == lent_.end() ? std::nullopt : std::optional{u16(slot - lent_.begin())};
}

void Virtqueue::be_quiet() { available_->flags = VRING_AVAIL_F_NO_INTERRUPT; }

}  // namespace dom0

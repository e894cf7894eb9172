// The virtio console: virtio 1.x, 5.3. Without its MULTIPORT feature it is two queues, no more.
#include "virtio_serial.hpp"

#include <kit/heap.hpp>
#include <string.h>

namespace dom0 {
namespace {

constexpr u16 transitional_console = 0x1003;
constexpr u16 receiveq = 0, transmitq = 1;
constexpr u16 slots = 4; // in each queue, a page each

}  // namespace

void VirtioSerial::init() {
    device_ = VirtioDevice::find(transitional_console);
    if (!device_) return;
    incoming_ = device_->queue(receiveq, slots);
    outgoing_ = device_->queue(transmitq, slots);
    if (!present()) return;
    outgoing_->be_quiet();
    pages_ = static_cast<u8*>(take_pages(2 * slots));
    device_->start();
    lend_pages();
}

/// Lends every page that bytes can come in by.
void VirtioSerial::lend_pages() {
    if (!incoming_->slot_here()) return;
    while (auto slot = incoming_->slot_here())
        incoming_->lend(*slot, pages_ + *slot * page_size, page_size, Virtqueue::Device::writes);
    device_->notify(receiveq);
}

std::string VirtioSerial::read() {
    std::string bytes;
    if (!present()) return bytes;
    device_->lower_line();
    while (auto used = incoming_->take_back())
        bytes.append(reinterpret_cast<char*>(pages_ + used->slot * page_size), used->length);
    lend_pages();
    return bytes;
}

size_t VirtioSerial::write(std::string_view bytes) {
    if (!present()) return 0;
    while (outgoing_->take_back()) {}
    size_t taken = 0;
    while (taken < bytes.size()) {
        const auto slot = outgoing_->slot_here();
        if (!slot) break;
        u8* const page = pages_ + (slots + *slot) * page_size;
        const std::string_view part = bytes.substr(taken, page_size);
        memcpy(page, part.data(), part.size());
        outgoing_->lend(*slot, page, u32(part.size()), Virtqueue::Device::reads);
        taken += part.size();
    }
    if (taken > 0) device_->notify(transmitq);
    return taken;
}

}  // namespace dom0

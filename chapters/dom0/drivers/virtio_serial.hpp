// A virtio console, as a line of bytes.
#pragma once

#include "virtio.hpp"

#include <string>

namespace dom0 {

class VirtioSerial {
public:
    /// Finds the machine's first one, and has it interrupt when bytes have come. Where there is
    /// none nothing is ever read or written.
    void init();

    bool present() const { return incoming_ && outgoing_; }

    /// What has come in, 16 KiB at most.
    std::string read();

    /// Sends what the line takes at once; returns how many bytes that was.
    size_t write(std::string_view bytes);

private:
    void lend_pages();

    std::optional<VirtioDevice> device_;
    std::optional<Virtqueue> incoming_, outgoing_;
    u8* pages_ = nullptr; // a buffer for each slot: first those of incoming_
};

}  // namespace dom0

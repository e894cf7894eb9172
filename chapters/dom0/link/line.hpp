// The link's own lines: virtio-serial and COM2, whichever the machine has.
#pragma once

#include "../drivers/serial.hpp"
#include "../drivers/virtio_serial.hpp"

namespace dom0 {

/// Where there are both, either may bring a question, and the answer goes where that came from.
class Line {
public:
    void init() {
        virtio_.init();
        com2_.init();
    }

    /// True where an interrupt may be missed: another device may hold a PCI device's line up.
    bool may_miss() const { return virtio_.present(); }

    /// What has come in since; nothing where there is no line.
    std::string read() {
        std::string bytes = virtio_.read();
        const bool by_virtio = !bytes.empty();
        if (!by_virtio) bytes = com2_.read();
        if (!bytes.empty()) answer_by_virtio_ = by_virtio;
        return bytes;
    }

    /// Sends what the line takes at once; returns how many bytes that was.
    size_t write(std::string_view bytes) {
        return answer_by_virtio_ ? virtio_.write(bytes) : com2_.write(bytes);
    }

private:
    VirtioSerial virtio_;
    Serial com2_;
    bool answer_by_virtio_ = false;
};

}  // namespace dom0

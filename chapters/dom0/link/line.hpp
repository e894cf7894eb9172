// The line that is the link's own: virtio-serial, or else COM2.
#pragma once

#include "../drivers/serial.hpp"
#include "../drivers/virtio_serial.hpp"

namespace dom0 {

class Line {
public:
    void init() {
        virtio_.init();
        if (!virtio_.present()) com2_.init();
    }

    /// What has come in since; nothing where there is no line.
    std::string read() { return virtio_.present() ? virtio_.read() : com2_.read(); }

    /// Sends what the line takes at once; returns how many bytes that was.
    size_t write(std::string_view bytes) {
        return virtio_.present() ? virtio_.write(bytes) : com2_.write(bytes);
    }

private:
    VirtioSerial virtio_;
    Serial com2_;
};

}  // namespace dom0

// A virtio device on the PCI bus, by the ports that virtio had before its version 1.
#pragma once

#include "virtqueue.hpp"

namespace dom0 {

class VirtioDevice {
public:
    /// The first of this kind, reset. Nothing where there is none, or none that has those ports
    /// ("transitional").
    static std::optional<VirtioDevice> find(u16 pci_device);

    /// Sets up a queue. Nothing where the device has none, or one of a size that cannot be.
    std::optional<Virtqueue> queue(u16 number, u16 slots) const;

    /// From here on the device works: its queues are there. No optional feature of it is used.
    void start() const;

    /// Tells the device that a queue has been lent something.
    void notify(u16 queue) const;

    /// Lets go of the interrupt line. Before a look at the queues: what comes after it will
    /// interrupt again.
    void lower_line() const;

private:
    explicit VirtioDevice(u16 ports) : ports_{ports} {}

    u16 ports_;
};

}  // namespace dom0

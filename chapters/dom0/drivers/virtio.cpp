// A virtio device by ports: virtio 1.x, 4.1.4.8, "Legacy Interfaces: A Note on PCI Device Layout".
#include "virtio.hpp"

#include "pci.hpp"

#include <kit/cpu.hpp>
#include <kit/heap.hpp>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

namespace dom0 {
namespace {

constexpr u16 vendor = 0x1af4;
constexpr u16 most_entries = 1024;

}  // namespace

std::optional<VirtioDevice> VirtioDevice::find(u16 pci_device) {
    const auto function = PciFunction::find(vendor, pci_device);
    const u16 ports = function ? function->ports(0) : 0;
    if (ports == 0) return {};
    function->turn_on();
    out8(ports + VIRTIO_PCI_STATUS, 0); // a reset
    out8(ports + VIRTIO_PCI_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
    out32(ports + VIRTIO_PCI_GUEST_FEATURES, 0);
    return VirtioDevice{ports};
}

std::optional<Virtqueue> VirtioDevice::queue(u16 number, u16 slots) const {
    out16(ports_ + VIRTIO_PCI_QUEUE_SEL, number);
    const u16 entries = in16(ports_ + VIRTIO_PCI_QUEUE_NUM);
    if (entries == 0 || entries > most_entries || (entries & (entries - 1)) != 0) return {};
    void* const memory = take_pages(pages_of(Virtqueue::bytes(entries)));
    out32(ports_ + VIRTIO_PCI_QUEUE_PFN, u32(reinterpret_cast<u64>(memory) >> page_shift));
    return Virtqueue{memory, entries, slots};
}

void VirtioDevice::start() const {
    out8(ports_ + VIRTIO_PCI_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                                         VIRTIO_CONFIG_S_DRIVER_OK);
}

void VirtioDevice::notify(u16 queue) const { out16(ports_ + VIRTIO_PCI_QUEUE_NOTIFY, queue); }

void VirtioDevice::lower_line() const { (void)in8(ports_ + VIRTIO_PCI_ISR); }

}  // namespace dom0

// PCI's configuration space: what devices there are, and at which ports they answer.
#pragma once

#include <kit/types.hpp>
#include <optional>

namespace dom0 {

using namespace kit;

/// A function of a device on bus 0.
class PciFunction {
public:
    /// The first one that says it is this; those behind bridges are not looked for.
    static std::optional<PciFunction> find(u16 vendor, u16 device);

    /// The first of the ports that a base address register names, 0 to 5; 0: it names none.
    u16 ports(u8 base_address) const;

    /// Lets it answer at its ports, and reach memory by itself.
    void turn_on() const;

private:
    explicit PciFunction(u8 place) : place_{place} {}
    void select(u8 offset) const;

    u8 place_; // the device's number on the bus, times 8, and the function's in the device
};

}  // namespace dom0

// What a key types: scan codes in, letters out. It knows no port.
#pragma once

#include <kit/types.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace dom0 {

using namespace kit;

/// A US keyboard that speaks scan code set 1, as every PS/2 controller does unless it is told not
/// to translate.
class Keys {
public:
    /// Takes one byte from the keyboard; returns what a terminal would send for it, mostly nothing.
    std::string take(u8 code);

private:
    std::string type(u8 key) const;

    bool extended_ = false; // after 0xe0: one of the keys that came after the first PC
    bool shift_[2] = {}, control_[2] = {}; // left and right: held down
    bool capitals_ = false;
};

}  // namespace dom0

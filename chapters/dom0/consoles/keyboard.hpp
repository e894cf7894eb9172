// The machine's PS/2 keyboard, which the hypervisor leaves to dom0.
#pragma once

#include "keys.hpp"

namespace dom0 {

class Keyboard {
public:
    /// Has the controller translate, and interrupt for the keyboard alone. Without one, or where it
    /// does not answer, nothing is ever typed.
    void init();

    /// What has been typed since the last call.
    std::string read();

private:
    bool present_ = false;
    Keys keys_;
};

}  // namespace dom0

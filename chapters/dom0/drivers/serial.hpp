// COM2, a 16550 that the hypervisor leaves to dom0 as it is.
#pragma once

#include <kit/types.hpp>
#include <string>

namespace dom0 {

using namespace kit;

class Serial {
public:
    /// Sets the line to 115,200 baud, 8N1, and has it interrupt when 4 bytes have come, or when no
    /// more come. Where there is no COM2 nothing is ever read, and what is written is gone.
    void init();

    bool present() const { return present_; }

    /// What has come in, some 256 bytes at most.
    std::string read();

    /// Sends what the line takes at once; returns how many bytes that was.
    size_t write(std::string_view bytes);

private:
    bool present_ = false;
    size_t room_ = 1; // bytes that an empty line takes
};

}  // namespace dom0

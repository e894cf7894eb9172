// Printing for guests: the hypervisor's own format strings, sent to wherever this guest may speak.
#pragma once

#include "types.hpp"

#include <base/print.hpp>

namespace kit {

/// Where print() goes. Until console_init() it is port 0xe9 (XEN_HVM_DEBUGCONS_IOPORT).
Sink& console();

/// Chooses the best place to speak: Xen's own console for a privileged guest, else the guest's
/// console ring, else port 0xe9.
void console_init();

/// The next byte that came in on the console, or -1. Never waits.
int console_read();

/// Gathers what is written and sends it on in one piece: nobody's words come into its middle.
class Gathered final : public Sink {
public:
    explicit Gathered(Sink& to) : to_{to} {}
    ~Gathered() { flush(); }
    Gathered(const Gathered&) = delete;
    Gathered& operator=(const Gathered&) = delete;

    void write(std::string_view text) override {
        for (char letter : text) {
            if (length_ == sizeof buffer_) flush();
            buffer_[length_++] = letter;
        }
    }

private:
    void flush() {
        to_.write({buffer_, length_});
        length_ = 0;
    }
    Sink& to_;
    size_t length_ = 0;
    char buffer_[256];
};

template <class... Arguments> void print(std::string_view format, const Arguments&... arguments) {
    Gathered line{console()};
    hv::print(line, format, arguments...);
}

/// What stands in the way, in words: "out of memory" for XEN_ENOMEM.
std::string_view describe(Errno code);

}  // namespace kit

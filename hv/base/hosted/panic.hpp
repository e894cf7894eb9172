// A hosted panic: what the hosted twin of panic_with() throws.
#pragma once

#include <stdexcept>

namespace hv {

/// An invariant of the hypervisor was broken; what() is the sentence. Whoever drives the machine
/// catches it, marks the machine dead, and turns it into an error.
class Panic : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace hv

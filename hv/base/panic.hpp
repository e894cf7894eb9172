// The end of a machine: what is said when an invariant of our own is broken.
#pragma once

#include <base/print.hpp>

namespace hv {

/// Ends the machine with a sentence. On the machine: stops every pCPU, prints registers and a
/// backtrace, and halts. Hosted: marks the machine dead and returns an error to whoever drove it.
/// For broken invariants of ours only; a guest's mistake never comes here.
[[noreturn]] void panic_with(std::string_view format, std::span<const Argument> arguments);

template <class... Arguments>
[[noreturn]] void panic(std::string_view format, const Arguments&... arguments) {
    const Argument list[] = {Argument{arguments}..., Argument{}};
    panic_with(format, std::span{list, sizeof...(arguments)});
}

}  // namespace hv

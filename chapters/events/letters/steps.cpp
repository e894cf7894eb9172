// Steps that are done, and the one after which this end dies.
#include "steps.hpp"

#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>

#include <algorithm>

namespace letters {

void done(At step) {
    const auto name = step_names[size_t(step)];
    if (guest().option("die") != name) return;
    print("letters: {}: I die\n", name);
    shut_down(guest().option("by") == "poweroff" ? Shutdown::poweroff : Shutdown::crash);
}

bool is_well_ordered() {
    const auto name = guest().option("die");
    return name.empty() ||
           std::find(std::begin(step_names), std::end(step_names), name) != std::end(step_names);
}

}  // namespace letters

// What the first chapter plugs into the machine.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {
extern const Plug plug;
}

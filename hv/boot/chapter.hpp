// What the first chapter plugs into the machine.
#pragma once

#include <boot/machine.hpp>

namespace hv {

extern const Plug boot_plug;

}  // namespace hv

// Chapter grants, as main.cpp lists it.
#pragma once

#include <boot/machine.hpp>

namespace hv::grants {
extern const Plug plug;
}

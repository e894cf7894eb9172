// Chapter domains, as main.cpp lists it.
#pragma once

#include <boot/machine.hpp>

namespace hv::domains {
extern const Plug plug;
}

// Chapter events, as main.cpp lists it.
#pragma once

#include <boot/machine.hpp>

namespace hv::events {
extern const Plug plug;
}

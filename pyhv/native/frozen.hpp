// What hv's own code reads in the memory of a machine that stands still somewhere else.
#pragma once

#include <pybind11/pybind11.h>

namespace hv::hosted {

void bind_frozen(pybind11::module_& module);

}  // namespace hv::hosted

// The words for numbers and for failures, the same as the hypervisor's own.
#pragma once

#include <base/result.hpp>
#include <base/types.hpp>
#include <span>
#include <string_view>

namespace kit {

using namespace hv;

constexpr u64 pages_of(u64 bytes) { return (bytes + page_size - 1) >> page_shift; }

}  // namespace kit

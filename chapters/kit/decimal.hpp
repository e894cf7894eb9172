// Numbers in decimal, both ways: the store and command lines speak text.
#pragma once

#include "types.hpp"

#include <optional>
#include <string>

namespace kit {

/// `number` in decimal, without leading zeros.
std::string decimal(u64 number);

/// The number that `text` is, digits alone. Nothing: it is none, or above 999,999,999.
std::optional<u32> parse_decimal(std::string_view text);

}  // namespace kit

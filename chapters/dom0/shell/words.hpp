// A command line, cut into words: quotes keep blanks together, and `name=value` is an option.
#pragma once

#include <kit/types.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dom0 {

using namespace kit;

/// The words of `line`. A # begins a comment. Nothing when a quote is left open.
std::optional<std::vector<std::string>> split_words(std::string_view line);

/// The value of the word `name=…` among `words`, or nothing.
std::optional<std::string_view> option(const std::vector<std::string>& words,
                                       std::string_view name);

/// A decimal number that fits 32 bits, or nothing.
std::optional<u32> parse_number(std::string_view digits);

}  // namespace dom0

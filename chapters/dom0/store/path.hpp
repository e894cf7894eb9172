// The store's paths: which are well made, which lies below which, and their steps one by one.
#pragma once

#include <kit/decimal.hpp>
#include <string_view>

namespace dom0 {

using namespace kit;

inline constexpr size_t longest_path = 3072;
/// Steps of a path: what goes through the tree calls itself at each, on dom0's small stack.
inline constexpr ptrdiff_t deepest_path = 64;

/// A path that starts with /, has no empty or odd step, and is not too long.
bool is_valid(std::string_view path);

/// The name of no entry but of something that happens: it starts with @.
inline bool is_special(std::string_view path) { return path.starts_with('@'); }

/// True when `path` is `above` or lies below it.
bool is_below(std::string_view path, std::string_view above);

/// The path of what `path` lies in; of "/" itself, "/".
std::string_view parent_of(std::string_view path);

/// The first step of `path`, which is taken off it.
std::string_view take_step(std::string_view& path);

/// How many steps a path has: none for "/".
ptrdiff_t steps_of(std::string_view path);

}  // namespace dom0

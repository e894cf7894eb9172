// The store's paths.
#include "path.hpp"

#include <algorithm>

namespace dom0 {

bool is_valid(std::string_view path) {
    constexpr std::string_view punctuation = "-/_@";
    if (path.empty() || path.size() > longest_path || path.front() != '/') return false;
    if (path == "/") return true;
    if (path.ends_with('/') || path.find("//") != path.npos) return false;
    return std::all_of(path.begin(), path.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               punctuation.find(c) != punctuation.npos;
    });
}

bool is_below(std::string_view path, std::string_view above) {
    if (above == "/") return true;
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

std::string_view parent_of(std::string_view path) {
    size_t cut = path.rfind('/');
    return cut == 0 || cut == path.npos ? "/" : path.substr(0, cut);
}

std::string_view take_step(std::string_view& path) {
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    auto step = path.substr(0, path.find('/'));
    path.remove_prefix(step.size());
    return step;
}

ptrdiff_t steps_of(std::string_view path) {
    return path == "/" ? 0 : std::count(path.begin(), path.end(), '/');
}

}  // namespace dom0

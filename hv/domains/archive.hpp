// The boot module is a cpio archive in the `newc` form: this reads it where it lies.
#pragma once

#include <base/result.hpp>
#include <span>
#include <string_view>

namespace hv {

/// One file of an archive: views into the archive's own bytes.
struct ArchiveFile {
    std::string_view name{};
    std::span<const u8> bytes{};
};

/// A walk through an archive whose bytes nobody has vouched for. Everything that it answers lies
/// within those bytes. Source: cpio(5), "New ASCII Format".
class Archive {
public:
    explicit constexpr Archive(std::span<const u8> bytes) : bytes_{bytes} {}

    /// The next file. XEN_ENOENT after the last; XEN_EINVAL when the archive is damaged, with
    /// `*why` one line for a person.
    Result<ArchiveFile> next(const char** why);
    /// The first file called `name`, wherever the walk stands. Errors as next().
    Result<ArchiveFile> find(std::string_view name, const char** why) const;
    /// Reads to the end: an error when the archive is damaged anywhere.
    Result<> check(const char** why) const;

private:
    std::span<const u8> bytes_;
    size_t at_ = 0;
};

}  // namespace hv

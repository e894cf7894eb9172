// The boot module: a cpio archive in the `newc` form, read where it lies. `cpio -t` lists it too.
#pragma once

#include <kit/types.hpp>
#include <optional>

namespace dom0 {

using namespace kit;

struct File {
    std::string_view name;
    std::span<const u8> bytes;

    std::string_view text() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};

/// Walks the files of an archive. The bytes are not trusted: a header that does not fit ends the
/// walk, and complete() says whether the trailer was reached.
class Archive {
public:
    Archive() = default;
    explicit Archive(std::span<const u8> bytes) : bytes_{bytes} {}

    /// The file after the last one given, or nothing at the end.
    std::optional<File> next();
    void rewind() { at_ = 0; complete_ = false; }

    std::optional<File> find(std::string_view name);
    bool complete() const { return complete_; }

private:
    std::span<const u8> bytes_;
    size_t at_ = 0;
    bool complete_ = false;
};

}  // namespace dom0

// The files that domains are made of: the boot module's, and those that came over the link.
#pragma once

#include "unpack.hpp"

#include <domains/archive.hpp>

#include <vector>

namespace dom0 {

/// A file, and what keeps an uploaded one in memory while anyone needs it, also once it is removed.
struct File {
    std::string_view name;
    std::span<const u8> bytes;
    std::shared_ptr<const Bytes> upload;
};

class Files {
public:
    explicit Files(Archive module) : module_{module} {}

    /// An upload hides the module's file of the same name. XEN_ENOENT.
    Result<File> find(std::string_view name) const;
    /// Every file once. A damaged module ends the list: `why` is then set to a line.
    std::vector<File> list(std::string& why) const;

    /// Begins an upload that may take `room` bytes; one that was under way is forgotten.
    /// XEN_EINVAL, XEN_ENOSPC.
    Result<> begin(std::string_view name, u64 bytes, u64 room);
    /// A piece of it, in any order, twice if need be. XEN_EINVAL beyond the size that was said.
    Result<> write(u64 offset, std::string_view data);
    /// What has come of it; empty when none is under way.
    std::span<const u8> coming() const { return coming_.bytes.view(); }
    /// The upload is a file from now on. XEN_EINVAL when none is under way.
    Result<> end();
    /// Takes an uploaded file away. XEN_ENOENT.
    Result<> remove(std::string_view name);

private:
    struct Upload {
        std::string name;
        std::shared_ptr<const Bytes> bytes;
    };
    struct Coming {
        std::string name; // empty: nothing is under way
        Bytes bytes;
    };

    Archive module_;
    std::vector<Upload> uploads_;
    Coming coming_;
};

}  // namespace dom0

// The store's tree: small named texts. A change copies the way to it and shares the rest, so that
// what was there before can be kept for as long as somebody looks at it.
#pragma once

#include "permissions.hpp"

#include <memory>

namespace dom0 {

struct Node;
using NodeRef = std::shared_ptr<const Node>;

struct Node {
    std::string name;
    std::string value;
    Permissions permissions;
    std::vector<NodeRef> children; // by name
    u64 generation = 0;            // of the last change to this entry itself, not to those below

    const Node* child(std::string_view name) const;
};

/// A tree as it is at one time: a copy costs one reference, and is not changed with the original.
/// Paths are absolute and checked: every operation says why it refuses.
class Tree {
public:
    Tree();

    /// XEN_ENOENT where there is no such entry; XEN_EACCES where there is none, and `who` may not
    /// know that.
    Result<const Node*> look(Who who, std::string_view path, Access access) const;
    /// The entry at a valid path, or null.
    const Node* find(std::string_view path) const;
    /// The generation of the entry at a valid path; 0: there is none.
    u64 generation(std::string_view path) const;

    /// Writes `value`, making the entries on the way; null keeps the value that is there (mkdir).
    Result<> write(Who who, std::string_view path, const std::string_view* value);
    /// Removes an entry and all below it. One that is not there is removed if its parent is.
    Result<> remove(Who who, std::string_view path);
    Result<> set_permissions(Who who, std::string_view path, Permissions permissions);

    /// Entries that a domain owns: bounded, so that no guest fills dom0's memory.
    size_t owned_by(u16 domain) const;

    static constexpr size_t most_owned = 1000, longest_value = 2048, most_permissions = 5;

private:
    template <typename Change>
    NodeRef changed(const Node& node, std::string_view path, Who who, const Change& change);
    u32& entries_of(u16 domain);
    void disown(const Node& node);

    struct Owner {
        u16 domain;
        u32 entries;
    };
    NodeRef root_;
    std::vector<Owner> owners_;
    u64 generation_ = 1;
};

}  // namespace dom0

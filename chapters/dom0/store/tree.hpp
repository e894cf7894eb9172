// The store's tree: small named texts, each owned by a domain that says who may read and write it.
#pragma once

#include <kit/types.hpp>
#include <memory>
#include <string>
#include <vector>

namespace dom0 {

using namespace kit;

/// What one domain may do with a node. The first of a node's list names the owner and everyone
/// else's default (xenstore's "n0 r5" notation).
struct Permission {
    u16 domain = 0;
    bool read = false, write = false;
};

using Permissions = std::vector<Permission>;

struct Node {
    std::string name;
    std::string value;
    Permissions permissions;
    std::vector<std::unique_ptr<Node>> children; // by name

    bool allows(u16 domain, bool write) const;
    Node* child(std::string_view name) const;
};

/// The whole tree. Paths are absolute and checked: every operation says why it refuses.
class Tree {
public:
    Tree();
    Tree(const Tree& other);
    Tree(Tree&&) = default;
    Tree& operator=(Tree&&) = default;

    Result<const Node*> read(u16 who, std::string_view path) const;
    /// Writes `value`, making the nodes on the way; null keeps the value that is there (mkdir).
    Result<> write(u16 who, std::string_view path, const std::string_view* value);
    Result<> remove(u16 who, std::string_view path);
    Result<> set_permissions(u16 who, std::string_view path, Permissions permissions);

    /// Nodes that `domain` owns: bounded, so that no guest fills dom0's memory.
    size_t owned_by(u16 domain) const;

    static constexpr size_t quota_nodes = 1000;
    static constexpr size_t longest_path = 3072, longest_value = 2048;
    /// Steps of a path: what goes through the tree calls itself at each, on dom0's small stack.
    static constexpr ptrdiff_t deepest = 64;

private:
    Node* find(std::string_view path) const;
    std::unique_ptr<Node> root_;
};

/// A path that starts with /, has no empty or odd component, and is not too long.
bool valid_path(std::string_view path);

/// True when `path` is `above` or lies below it.
bool is_below(std::string_view path, std::string_view above);

/// "r5" and its kin, both ways: n none, r read, w write, b both.
std::string to_text(const Permission& permission);
Result<Permission> parse_permission(std::string_view text);

}  // namespace dom0

// The store's tree.
#include "tree.hpp"

#include <algorithm>

namespace dom0 {
namespace {

std::unique_ptr<Node> copy_of(const Node& node) {
    auto copy = std::make_unique<Node>();
    copy->name = node.name;
    copy->value = node.value;
    copy->permissions = node.permissions;
    for (auto& child : node.children)
        copy->children.push_back(copy_of(*child));
    return copy;
}

/// The first component of `path`, which is taken off it.
std::string_view take_component(std::string_view& path) {
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    auto component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    return component;
}

size_t count_owned(const Node& node, u16 domain) {
    size_t count = node.permissions.front().domain == domain ? 1 : 0;
    for (auto& child : node.children)
        count += count_owned(*child, domain);
    return count;
}

auto by_name(const std::unique_ptr<Node>& node, std::string_view name) { return node->name < name; }

/// A new child: its parent's permissions, owned by whoever makes it.
Node& add_child(Node& parent, std::string_view name, u16 who) {
    auto node = std::make_unique<Node>();
    node->name = name;
    node->permissions = parent.permissions;
    if (who != 0) node->permissions.front().domain = who;
    auto place = std::lower_bound(parent.children.begin(), parent.children.end(), name, by_name);
    return **parent.children.insert(place, std::move(node));
}

}  // namespace

bool Node::allows(u16 domain, bool write) const {
    if (domain == 0 || permissions.front().domain == domain) return true;
    for (size_t i = 1; i < permissions.size(); i++)
        if (permissions[i].domain == domain)
            return write ? permissions[i].write : permissions[i].read;
    return write ? permissions.front().write : permissions.front().read;
}

Node* Node::child(std::string_view wanted) const {
    auto place = std::lower_bound(children.begin(), children.end(), wanted, by_name);
    return place != children.end() && (*place)->name == wanted ? place->get() : nullptr;
}

Tree::Tree() : root_{std::make_unique<Node>()} { root_->permissions = {{0, true, false}}; }

Tree::Tree(const Tree& other) : root_{copy_of(*other.root_)} {}

Node* Tree::find(std::string_view path) const {
    Node* node = root_.get();
    while (node != nullptr && !path.empty() && path != "/")
        node = node->child(take_component(path));
    return node;
}

Result<const Node*> Tree::read(u16 who, std::string_view path) const {
    if (!valid_path(path)) return Error{Errno::XEN_EINVAL};
    const Node* node = find(path);
    if (node == nullptr) return Error{Errno::XEN_ENOENT};
    if (!node->allows(who, false)) return Error{Errno::XEN_EACCES};
    return node;
}

Result<> Tree::write(u16 who, std::string_view path, const std::string_view* value) {
    if (!valid_path(path)) return Error{Errno::XEN_EINVAL};
    if (value != nullptr && value->size() > longest_value) return Error{Errno::XEN_E2BIG};
    if (std::count(path.begin(), path.end(), '/') > deepest) return Error{Errno::XEN_ENOSPC};

    // Walk as far as the tree goes: the last node there decides whether the rest may be made.
    Node* node = root_.get();
    std::string_view rest = path;
    while (!rest.empty() && rest != "/") {
        std::string_view ahead = rest;
        Node* below = node->child(take_component(ahead));
        if (below == nullptr) break;
        node = below;
        rest = ahead;
    }
    bool missing = !rest.empty() && rest != "/";
    if ((missing || value != nullptr) && !node->allows(who, true)) return Error{Errno::XEN_EACCES};
    size_t new_nodes = missing ? size_t(std::count(rest.begin(), rest.end(), '/')) : 0;
    if (who != 0 && new_nodes > 0 && owned_by(who) + new_nodes > quota_nodes)
        return Error{Errno::XEN_ENOSPC};

    while (!rest.empty() && rest != "/")
        node = &add_child(*node, take_component(rest), who);
    if (value != nullptr) node->value = *value;
    return {};
}

Result<> Tree::remove(u16 who, std::string_view path) {
    if (!valid_path(path) || path == "/") return Error{Errno::XEN_EINVAL};
    size_t cut = path.rfind('/');
    Node* parent = find(cut == 0 ? "/" : path.substr(0, cut));
    auto name = path.substr(cut + 1);
    if (parent == nullptr) return Error{Errno::XEN_ENOENT};
    Node* node = parent->child(name);
    if (node == nullptr) return {}; // xenstored: removing what is not there succeeds under a parent
    if (!node->allows(who, true)) return Error{Errno::XEN_EACCES};
    std::erase_if(parent->children, [&](auto& child) { return child->name == name; });
    return {};
}

Result<> Tree::set_permissions(u16 who, std::string_view path, Permissions permissions) {
    if (!valid_path(path) || permissions.empty()) return Error{Errno::XEN_EINVAL};
    Node* node = find(path);
    if (node == nullptr) return Error{Errno::XEN_ENOENT};
    u16 owner = node->permissions.front().domain;
    if (who != 0 && (owner != who || permissions.front().domain != who))
        return Error{Errno::XEN_EPERM};
    node->permissions = std::move(permissions);
    return {};
}

size_t Tree::owned_by(u16 domain) const { return count_owned(*root_, domain); }

bool valid_path(std::string_view path) {
    constexpr std::string_view punctuation = "-/_@";
    if (path.empty() || path.size() > Tree::longest_path || path.front() != '/') return false;
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

std::string to_text(const Permission& permission) {
    const char letter =
        permission.read ? (permission.write ? 'b' : 'r') : (permission.write ? 'w' : 'n');
    char digits[5];
    size_t count = 0;
    for (u32 rest = permission.domain; rest > 0 || count == 0; rest /= 10)
        digits[count++] = char('0' + rest % 10);
    std::string text{letter};
    while (count > 0)
        text.push_back(digits[--count]);
    return text;
}

Result<Permission> parse_permission(std::string_view text) {
    constexpr std::string_view letters = "nrwb";
    if (text.size() < 2 || text.size() > 6) return Error{Errno::XEN_EINVAL};
    size_t bits = letters.find(text[0]);
    if (bits == letters.npos) return Error{Errno::XEN_EINVAL};
    u32 domain = 0;
    for (char digit : text.substr(1)) {
        if (digit < '0' || digit > '9') return Error{Errno::XEN_EINVAL};
        domain = domain * 10 + u32(digit - '0');
    }
    if (domain > 0x7fff) return Error{Errno::XEN_EINVAL};
    return Permission{u16(domain), (bits & 1) != 0, (bits & 2) != 0};
}

}  // namespace dom0

// The store's tree.
#include "tree.hpp"

#include <algorithm>

namespace dom0 {
namespace {

NodeRef kept(Node node) { return NodeRef{new Node{std::move(node)}}; }

auto place_of(const Node& node, std::string_view name) {
    auto by_name = [](auto& child, std::string_view wanted) { return child->name < wanted; };
    return std::lower_bound(node.children.begin(), node.children.end(), name, by_name) -
           node.children.begin();
}

}  // namespace

const Node* Node::child(std::string_view wanted) const {
    auto place = size_t(place_of(*this, wanted));
    return place < children.size() && children[place]->name == wanted ? children[place].get()
                                                                      : nullptr;
}

Tree::Tree() {
    root_ = kept({"", "", {{0, true, false}}, {}, generation_});
    owners_.push_back({0, 1});
}

const Node* Tree::find(std::string_view path) const {
    const Node* node = root_.get();
    while (node != nullptr && !path.empty() && path != "/")
        node = node->child(take_step(path));
    return node;
}

u64 Tree::generation(std::string_view path) const {
    const Node* node = find(path);
    return node == nullptr ? 0 : node->generation;
}

Result<const Node*> Tree::look(Who who, std::string_view path, Access access) const {
    if (!is_valid(path)) return Error{Errno::XEN_EINVAL};
    const Node* node = find(path);
    if (node != nullptr && allows(node->permissions, who, access)) return node;
    if (node != nullptr) return Error{Errno::XEN_EACCES};

    // Who may not look into the nearest entry that there is learns nothing of what is not in it
    while (node == nullptr)
        node = find(path = parent_of(path));
    return Error{allows(node->permissions, who, access) ? Errno::XEN_ENOENT : Errno::XEN_EACCES};
}

/// A copy of `node` in which the entry at `path`, made where it is missing, has been changed.
template <typename Change>
NodeRef Tree::changed(const Node& node, std::string_view path, Who who, const Change& change) {
    Node copy = node;
    if (path.empty() || path == "/") {
        change(copy);
        copy.generation = generation_;
        return kept(std::move(copy));
    }
    auto step = take_step(path);
    auto place = copy.children.begin() + place_of(copy, step);
    if (place == copy.children.end() || (*place)->name != step) {
        // It has its parent's permissions, and belongs to whoever makes it
        Node newborn{std::string{step}, "", copy.permissions, {}, generation_};
        if (who.domain != 0) newborn.permissions.front().domain = who.domain;
        place = copy.children.insert(place, kept(std::move(newborn)));
        entries_of((*place)->permissions.front().domain)++;
        copy.generation = generation_;
    }
    *place = changed(**place, path, who, change);
    return kept(std::move(copy));
}

Result<> Tree::write(Who who, std::string_view path, const std::string_view* value) {
    auto found = look(who, path, Access::write);
    if (!found && found.error().code != Errno::XEN_ENOENT) return found.error();
    if (found.ok() && value == nullptr) return {};
    if (steps_of(path) > deepest_path) return Error{Errno::XEN_ENOSPC};
    if (who.domain != 0) {
        auto there = path;
        while (find(there) == nullptr)
            there = parent_of(there);
        auto missing = size_t(steps_of(path) - steps_of(there));
        if (missing > 0 && owned_by(who.domain) + missing > most_owned)
            return Error{Errno::XEN_ENOSPC};
        if (value != nullptr && value->size() > longest_value) return Error{Errno::XEN_ENOSPC};
    }
    generation_++;
    root_ = changed(*root_, path, who, [&](Node& node) {
        if (value != nullptr) node.value = *value;
    });
    return {};
}

Result<> Tree::remove(Who who, std::string_view path) {
    if (path == "/") return Error{Errno::XEN_EINVAL};
    auto found = look(who, path, Access::write);
    if (!found) {
        bool is_gone = found.error().code == Errno::XEN_ENOENT && find(parent_of(path)) != nullptr;
        return is_gone ? Result<>{} : found.error();
    }
    disown(**found);
    generation_++;
    auto step = path.substr(path.rfind('/') + 1);
    root_ = changed(*root_, parent_of(path), who, [&](Node& parent) {
        parent.children.erase(parent.children.begin() + place_of(parent, step));
    });
    return {};
}

Result<> Tree::set_permissions(Who who, std::string_view path, Permissions permissions) {
    auto found = look(who, path, Access::write);
    if (!found) return found.error();
    u16 owner = (*found)->permissions.front().domain;
    if (permissions.empty()) return Error{Errno::XEN_EINVAL};
    if (!is_owner((*found)->permissions, who)) return Error{Errno::XEN_EACCES};
    if (who.domain != 0 && permissions.front().domain != owner) return Error{Errno::XEN_EPERM};
    if (permissions.size() > most_permissions) return Error{Errno::XEN_ENOSPC};
    entries_of(owner)--;
    entries_of(permissions.front().domain)++;
    generation_++;
    root_ = changed(*root_, path, who, [&](Node& node) { node.permissions = permissions; });
    return {};
}

size_t Tree::owned_by(u16 domain) const {
    for (auto& owner : owners_)
        if (owner.domain == domain) return owner.entries;
    return 0;
}

u32& Tree::entries_of(u16 domain) {
    for (auto& owner : owners_)
        if (owner.domain == domain) return owner.entries;
    owners_.push_back({domain, 0});
    return owners_.back().entries;
}

void Tree::disown(const Node& node) {
    entries_of(node.permissions.front().domain)--;
    for (auto& child : node.children)
        disown(*child);
}

}  // namespace dom0

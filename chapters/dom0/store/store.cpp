// The store: its clients, its watches, and dom0's own hand in the tree.
#include "store.hpp"

#include <algorithm>

namespace dom0 {

Connection& Store::connect(u16 domain) {
    disconnect(domain);
    guests_.push_back(std::make_unique<Connection>(domain));
    fire_special("@introduceDomain");
    return *guests_.back();
}

void Store::disconnect(u16 domain) {
    if (std::erase_if(guests_, [&](auto& guest) { return guest->domain == domain; }) == 0) return;
    forget_domain(domain);
    fire_special("@releaseDomain");
}

void Store::forget_domain(u16 domain) {
    for (auto& guest : guests_)
        if (guest->target == domain) guest->target.reset();
    for (auto& [name, permissions] : specials_) {
        if (permissions.front().domain == domain) permissions.front() = {0, false, false};
        std::erase_if(permissions, [&](auto& one) { return one.domain == domain; });
    }
}

Connection* Store::guest(u16 domain) {
    for (auto& guest : guests_)
        if (guest->domain == domain) return guest.get();
    return nullptr;
}

Connection* Store::find(u16 domain) {
    Connection* found = guest(domain);
    return found != nullptr && found->is_introduced ? found : nullptr;
}

Connection& Store::visitor(u32 number) {
    for (auto& visitor : visitors_)
        if (visitor.number == number) return *visitor.connection;
    if (visitors_.size() == most_visitors) visitors_.erase(visitors_.begin());
    visitors_.push_back({number, std::make_unique<Connection>(u16{0})});
    return *visitors_.back().connection;
}

void Store::see_off(u32 number) {
    std::erase_if(visitors_, [&](auto& visitor) { return visitor.number == number; });
}

// Changes, and who hears of them

/// Makes `next` the tree, and tells those who watch what was changed.
void Store::turn_to(Tree next, const std::vector<Transaction::Change>& changes) {
    Tree before = std::exchange(tree_, std::move(next));
    for (auto& change : changes)
        fire(change.path, before);
}

/// Tells whoever watches `path`, or what it lies in; and whoever watches an entry below it that
/// has gone with it.
void Store::fire(const std::string& path, const Tree& before) {
    for_each_client([&](Connection& client) {
        for (auto& watch : client.watches) {
            bool is_gone = is_below(watch.path, path) && before.find(watch.path) != nullptr &&
                           tree_.find(watch.path) == nullptr;
            const std::string& what = is_gone ? watch.path : path;
            if ((is_gone || is_below(path, watch.path)) && may_know(client.who(), what, before))
                client.owe(watch.event(what));
        }
    });
}

/// Who may read an entry, or could, or sees its name in the one that it lies in.
bool Store::may_know(Who who, std::string_view path, const Tree& before) const {
    for (const Node* node : {before.find(path), tree_.find(path), tree_.find(parent_of(path))})
        if (node != nullptr && allows(node->permissions, who, Access::read)) return true;
    return false;
}

Store::Special* Store::special(std::string_view name) {
    auto known = std::find_if(std::begin(specials_), std::end(specials_),
                              [&](auto& special) { return special.name == name; });
    return known != std::end(specials_) ? known : nullptr;
}

void Store::fire_special(std::string_view name) {
    const Permissions& permissions = special(name)->permissions;
    for_each_client([&](Connection& client) {
        if (!allows(permissions, client.who(), Access::read)) return;
        for (auto& watch : client.watches)
            if (watch.path == name) client.owe(watch.event(name));
    });
}

// dom0's own hand

bool Store::write(const std::string& path, std::string_view value) {
    Tree next = tree_;
    if (!next.write(0, path, &value)) return false;
    turn_to(std::move(next), {{path, false}});
    return true;
}

void Store::set_permissions(const std::string& path, Permissions permissions) {
    Tree next = tree_;
    if (next.set_permissions(0, path, std::move(permissions)))
        turn_to(std::move(next), {{path, false}});
}

bool Store::remove(const std::string& path) {
    Tree next = tree_;
    if (!next.remove(0, path)) return false;
    turn_to(std::move(next), {{path, true}});
    return true;
}

std::optional<std::string> Store::read(const std::string& path) const {
    auto node = tree_.look(0, path, Access::read);
    if (!node) return {};
    return (*node)->value;
}

std::optional<std::vector<std::string_view>> Store::list(const std::string& path) const {
    auto node = tree_.look(0, path, Access::read);
    if (!node) return {};
    std::vector<std::string_view> names;
    for (auto& child : (*node)->children)
        names.push_back(child->name);
    return names;
}

namespace {

void show_node(const Node& node, const std::string& path, Sink& out) {
    print(out, "{} = \"{}\"\n", std::string_view{path}, std::string_view{node.value});
    for (auto& child : node.children)
        show_node(*child, (path == "/" ? "" : path) + "/" + child->name, out);
}

}  // namespace

bool Store::show(const std::string& path, Sink& out) const {
    auto node = tree_.look(0, path, Access::read);
    if (!node) return false;
    show_node(**node, path, out);
    return true;
}

}  // namespace dom0

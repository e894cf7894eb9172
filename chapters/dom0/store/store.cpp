// The store: what each request of the protocol does (xen/io/xs_wire.h).
#include "store.hpp"

#include <algorithm>

namespace dom0 {
namespace {

using namespace std::literals;

/// Error names go over the wire as text, those of xs_wire.h's list and no others.
std::string_view error_name(Errno code) {
    switch (code) {
    case Errno::XEN_EACCES: return "EACCES\0"sv;
    case Errno::XEN_EEXIST: return "EEXIST\0"sv;
    case Errno::XEN_ENOENT: return "ENOENT\0"sv;
    case Errno::XEN_ENOSPC: return "ENOSPC\0"sv;
    case Errno::XEN_ENOSYS: return "ENOSYS\0"sv;
    case Errno::XEN_EAGAIN: return "EAGAIN\0"sv;
    case Errno::XEN_E2BIG: return "E2BIG\0"sv;
    case Errno::XEN_EPERM: return "EPERM\0"sv;
    default: return "EINVAL\0"sv;
    }
}

const std::string ok() { return std::string{"OK\0", 3}; }

}  // namespace

Connection& Store::connect(u16 domain) {
    disconnect(domain);
    clients_.push_back(std::make_unique<Connection>(domain));
    fire("@introduceDomain");
    return *clients_.back();
}

void Store::disconnect(u16 domain) {
    if (std::erase_if(clients_, [&](auto& client) { return client->domain == domain; }) > 0)
        fire("@releaseDomain");
}

Connection* Store::find(u16 domain) {
    for (auto& client : clients_)
        if (client->domain == domain) return client.get();
    return nullptr;
}

void Store::serve(Connection& client) {
    while (!client.broken && client.output.size() < Connection::most_output) {
        auto message = client.take_message();
        if (!message) return;
        auto& header = message->header;
        auto result = answer(client, *message);
        if (result)
            client.send(header.type, header.req_id, header.tx_id, *result);
        else
            client.send(XS_ERROR, header.req_id, header.tx_id, error_name(result.error().code));

        // A watch's first event follows the answer to its own request.
        if (header.type == XS_WATCH && result.ok())
            fire_one(client, client.watches.back(), client.watches.back().path);
    }
}

Store::Answer Store::answer(Connection& client, const Message& message) {
    auto texts = message.texts();
    std::string_view first = texts.empty() ? std::string_view{} : texts[0];
    const Tree* tree = &tree_;
    if (message.header.tx_id != 0) {
        Transaction* transaction = client.transaction(message.header.tx_id);
        if (transaction == nullptr) return Error{Errno::XEN_ENOENT};
        tree = &transaction->tree;
    }
    switch (message.header.type) {
    case XS_READ:
    case XS_DIRECTORY:
    case XS_GET_PERMS: {
        auto node = tree->read(client.domain, client.absolute(first));
        if (!node) return node.error();
        if (message.header.type == XS_READ) return (*node)->value;
        return message.header.type == XS_DIRECTORY ? directory(**node) : permissions_of(**node);
    }
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS: return change(client, message);
    case XS_WATCH: return watch(client, message);
    case XS_UNWATCH: return unwatch(client, message);
    case XS_TRANSACTION_START: return begin(client);
    case XS_TRANSACTION_END: return end(client, message);
    case XS_RESET_WATCHES:
        client.watches.clear();
        client.transactions.clear();
        return ok();
    case XS_GET_DOMAIN_PATH: {
        auto domain = parse_permission("n" + std::string{first});
        if (!domain) return domain.error();
        return "/local/domain/" + decimal(domain->domain) + std::string{'\0'};
    }
    case XS_IS_DOMAIN_INTRODUCED: {
        auto domain = parse_permission("n" + std::string{first});
        if (!domain) return domain.error();
        return find(domain->domain) != nullptr ? std::string{"T\0", 2} : std::string{"F\0", 2};
    }
    // Introductions are the toolstack's, which lives in this same house and needs no message.
    case XS_INTRODUCE:
    case XS_RELEASE:
    case XS_RESUME:
    case XS_SET_TARGET: return Error{Errno::XEN_EPERM};
    default: return Error{Errno::XEN_ENOSYS};
    }
}

Store::Answer Store::directory(const Node& node) {
    std::string names;
    for (auto& child : node.children)
        (names += child->name).push_back('\0');
    if (names.size() > XENSTORE_PAYLOAD_MAX) return Error{Errno::XEN_E2BIG};
    return names;
}

Store::Answer Store::permissions_of(const Node& node) {
    std::string list;
    for (auto& permission : node.permissions)
        (list += to_text(permission)).push_back('\0');
    return list;
}

Store::Answer Store::change(Connection& client, const Message& message) {
    Transaction* transaction = client.transaction(message.header.tx_id);
    Tree& tree = transaction != nullptr ? transaction->tree : tree_;
    auto texts = message.texts();
    if (texts.empty()) return Error{Errno::XEN_EINVAL};
    std::string path = client.absolute(texts[0]);

    switch (message.header.type) {
    case XS_WRITE: {
        // The value is whatever follows the path's zero byte; it may hold zero bytes itself.
        if (texts[0].size() >= message.payload.size()) return Error{Errno::XEN_EINVAL};
        std::string_view value = std::string_view{message.payload}.substr(texts[0].size() + 1);
        TRY(tree.write(client.domain, path, &value));
        break;
    }
    case XS_MKDIR: TRY(tree.write(client.domain, path, nullptr)); break;
    case XS_RM: TRY(tree.remove(client.domain, path)); break;
    default: {
        Permissions permissions;
        for (size_t i = 1; i < texts.size(); i++) {
            auto permission = parse_permission(texts[i]);
            if (!permission) return permission.error();
            permissions.push_back(*permission);
        }
        TRY(tree.set_permissions(client.domain, path, std::move(permissions)));
    }
    }
    if (transaction != nullptr) {
        transaction->changed.push_back(path);
    } else {
        generation_++;
        fire(path);
    }
    return ok();
}

Store::Answer Store::watch(Connection& client, const Message& message) {
    auto texts = message.texts();
    if (texts.size() < 2) return Error{Errno::XEN_EINVAL};
    std::string path = client.absolute(texts[0]);
    if (!path.starts_with('@') && !valid_path(path)) return Error{Errno::XEN_EINVAL};
    if (client.watches.size() >= Connection::most_watches) return Error{Errno::XEN_E2BIG};
    for (auto& known : client.watches)
        if (known.path == path && known.token == texts[1]) return Error{Errno::XEN_EEXIST};
    bool relative = path.size() != texts[0].size();
    client.watches.push_back(
        {path, std::string{texts[1]}, relative ? client.home().size() + 1 : 0});
    return ok();
}

Store::Answer Store::unwatch(Connection& client, const Message& message) {
    auto texts = message.texts();
    if (texts.size() < 2) return Error{Errno::XEN_EINVAL};
    std::string path = client.absolute(texts[0]);
    auto matches = [&](const Watch& w) { return w.path == path && w.token == texts[1]; };
    if (std::erase_if(client.watches, matches) == 0) return Error{Errno::XEN_ENOENT};
    return ok();
}

Store::Answer Store::begin(Connection& client) {
    if (client.transactions.size() >= Connection::most_transactions)
        return Error{Errno::XEN_ENOSPC};
    u32 id = client.next_transaction++;
    client.transactions.push_back({id, Tree{tree_}, generation_, {}});
    return decimal(id) + std::string{'\0'};
}

Store::Answer Store::end(Connection& client, const Message& message) {
    auto texts = message.texts();
    Transaction* found = client.transaction(message.header.tx_id);
    if (found == nullptr) return Error{Errno::XEN_ENOENT};
    bool commit = !texts.empty() && texts[0] == "T";
    if (!commit && (texts.empty() || texts[0] != "F")) return Error{Errno::XEN_EINVAL};
    Transaction transaction = std::move(*found);
    std::erase_if(client.transactions, [&](auto& t) { return t.id == message.header.tx_id; });
    if (!commit || transaction.changed.empty()) return ok();

    // Somebody else wrote meanwhile: the client must look again and decide again.
    if (transaction.generation != generation_) return Error{Errno::XEN_EAGAIN};
    tree_ = std::move(transaction.tree);
    generation_++;
    for (auto& path : transaction.changed)
        fire(path);
    return ok();
}

void Store::fire(const std::string& path) {
    for (auto& client : clients_)
        for (auto& watch : client->watches)
            if (is_below(path, watch.path)) fire_one(*client, watch, path);
}

void Store::fire_one(Connection& client, const Watch& watch, std::string_view path) {
    std::string payload{path.substr(path.size() > watch.prefix ? watch.prefix : 0)};
    payload.push_back('\0');
    (payload += watch.token).push_back('\0');
    client.send(XS_WATCH_EVENT, 0, 0, payload);
}

bool Store::write(const std::string& path, std::string_view value) {
    if (!tree_.write(0, path, &value)) return false;
    generation_++;
    fire(path);
    return true;
}

void Store::set_permissions(const std::string& path, Permissions permissions) {
    if (tree_.set_permissions(0, path, std::move(permissions)).ok()) generation_++;
}

bool Store::remove(const std::string& path) {
    if (!tree_.remove(0, path)) return false;
    generation_++;
    fire(path);
    return true;
}

std::optional<std::string> Store::read(const std::string& path) const {
    auto node = tree_.read(0, path);
    if (!node) return {};
    return (*node)->value;
}

std::optional<std::vector<std::string_view>> Store::list(const std::string& path) const {
    auto node = tree_.read(0, path);
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
    auto node = tree_.read(0, path);
    if (!node) return false;
    show_node(**node, path, out);
    return true;
}

}  // namespace dom0

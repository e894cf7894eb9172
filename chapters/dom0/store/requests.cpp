// What each request of the store's protocol does (xen/io/xs_wire.h).
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
    case Errno::XEN_EBUSY: return "EBUSY\0"sv;
    case Errno::XEN_E2BIG: return "E2BIG\0"sv;
    case Errno::XEN_EPERM: return "EPERM\0"sv;
    default: return "EINVAL\0"sv;
    }
}

}  // namespace

struct Store::Request {
    u32 type;
    Answer (Store::*answer)(Asked&);
    size_t texts;        // the fewest that it comes with
    bool in_transaction; // else the number of a transaction is not looked at
    bool for_dom0;
};

const Store::Request Store::requests[] = {
    {XS_READ, &Store::read_value, 1, true, false},
    {XS_DIRECTORY, &Store::directory, 1, true, false},
    {XS_DIRECTORY_PART, &Store::directory_part, 2, true, false},
    {XS_GET_PERMS, &Store::get_permissions, 1, true, false},
    {XS_WRITE, &Store::write_value, 1, true, false},
    {XS_MKDIR, &Store::make, 1, true, false},
    {XS_RM, &Store::remove, 1, true, false},
    {XS_SET_PERMS, &Store::set_permissions, 2, true, false},
    {XS_TRANSACTION_START, &Store::begin, 0, true, false},
    {XS_TRANSACTION_END, &Store::end, 1, true, false},
    {XS_WATCH, &Store::watch, 2, false, false},
    {XS_UNWATCH, &Store::unwatch, 2, false, false},
    {XS_RESET_WATCHES, &Store::reset_watches, 0, false, false},
    {XS_GET_DOMAIN_PATH, &Store::domain_path, 1, false, false},
    {XS_IS_DOMAIN_INTRODUCED, &Store::is_introduced, 1, false, false},
    {XS_INTRODUCE, &Store::introduce, 3, false, true},
    {XS_RELEASE, &Store::release, 1, false, true},
    {XS_RESUME, &Store::resume, 1, false, true},
    {XS_SET_TARGET, &Store::set_target, 2, false, true},
    {XS_CONTROL, &Store::control, 1, false, true},
};

void Store::serve(Connection& client) {
    while (!client.broken && client.output.size() < Connection::most_output) {
        auto message = client.take_message();
        if (!message) break;
        auto& header = message->header;
        auto result = answer(client, *message);
        if (result)
            client.send(header.type, header.req_id, header.tx_id, *result);
        else
            client.send(XS_ERROR, header.req_id, header.tx_id, error_name(result.error().code));
    }
    client.send_events();
}

Store::Answer Store::answer(Connection& client, const Message& message) {
    auto known = std::find_if(std::begin(requests), std::end(requests),
                              [&](auto& request) { return request.type == message.header.type; });
    if (known == std::end(requests)) return Error{Errno::XEN_ENOSYS};
    if (known->for_dom0 && client.domain != 0) return Error{Errno::XEN_EACCES};
    Asked asked{client, message, message.texts(), "", nullptr};
    if (known->in_transaction && message.header.tx_id != 0) {
        asked.transaction = client.transaction(message.header.tx_id);
        if (asked.transaction == nullptr) return Error{Errno::XEN_ENOENT};
    }
    if (asked.texts.size() < known->texts) return Error{Errno::XEN_EINVAL};
    if (!asked.texts.empty()) asked.path = client.absolute(asked.texts[0]);
    return (this->*known->answer)(asked);
}

/// The tree that the client sees.
const Tree& Store::tree_of(const Asked& asked) const {
    return asked.transaction != nullptr ? asked.transaction->tree() : tree_;
}

// Looking

Result<const Node*> Store::looked_at(Asked& asked) {
    if (asked.transaction != nullptr && is_valid(asked.path))
        TRY(asked.transaction->note(asked.path));
    return tree_of(asked).look(asked.client.who(), asked.path, Access::read);
}

Store::Answer Store::read_value(Asked& asked) { return TRY(looked_at(asked))->value; }

Store::Answer Store::directory(Asked& asked) {
    std::string names;
    for (auto& child : TRY(looked_at(asked))->children)
        names += wired(child->name);
    if (names.size() > XENSTORE_PAYLOAD_MAX) return Error{Errno::XEN_E2BIG};
    return names;
}

/// The names from an offset on, as many as fit, after the entry's generation: a client that asks
/// for the rest sees by it whether the list is still the same. An empty name tells the end.
Store::Answer Store::directory_part(Asked& asked) {
    const Node& node = *TRY(looked_at(asked));
    auto offset = parse_decimal(asked.texts[1]);
    if (!offset) return Error{Errno::XEN_EINVAL};
    std::string part = wired(decimal(node.generation));
    size_t at = 0;
    for (auto& child : node.children) {
        size_t bytes = child->name.size() + 1;
        if (at >= *offset) {
            if (part.size() + bytes + 1 > XENSTORE_PAYLOAD_MAX) return part;
            part += wired(child->name);
        }
        at += bytes;
    }
    return part + '\0';
}

Store::Answer Store::get_permissions(Asked& asked) {
    std::string list;
    for (auto& permission : TRY(looked_at(asked))->permissions)
        list += wired(to_text(permission));
    return list;
}

// Changing

Store::Answer Store::changed(Asked& asked, Tree after, bool is_removal) {
    if (asked.transaction != nullptr)
        TRY(asked.transaction->note_change(asked.path, is_removal, std::move(after)));
    else
        turn_to(std::move(after), {{asked.path, is_removal}});
    return ok();
}

Store::Answer Store::write_value(Asked& asked) {
    // The value is whatever follows the path's zero byte; it may hold zero bytes itself
    size_t path = asked.texts[0].size();
    if (path >= asked.message.payload.size()) return Error{Errno::XEN_EINVAL};
    std::string_view value = std::string_view{asked.message.payload}.substr(path + 1);
    Tree after = tree_of(asked);
    TRY(after.write(asked.client.who(), asked.path, &value));
    return changed(asked, std::move(after), false);
}

Store::Answer Store::make(Asked& asked) {
    Tree after = tree_of(asked);
    TRY(after.write(asked.client.who(), asked.path, nullptr));
    return changed(asked, std::move(after), false);
}

Store::Answer Store::remove(Asked& asked) {
    Tree after = tree_of(asked);
    TRY(after.remove(asked.client.who(), asked.path));
    return changed(asked, std::move(after), true);
}

Store::Answer Store::set_permissions(Asked& asked) {
    Permissions permissions;
    for (size_t i = 1; i < asked.texts.size(); i++)
        permissions.push_back(TRY(parse_permission(asked.texts[i])));
    if (is_special(asked.path)) return set_special_permissions(asked, std::move(permissions));
    Tree after = tree_of(asked);
    TRY(after.set_permissions(asked.client.who(), asked.path, std::move(permissions)));
    return changed(asked, std::move(after), false);
}

}  // namespace dom0

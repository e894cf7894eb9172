// The requests by which the store's clients wait for each other, agree, come and go.
#include "store.hpp"

#include <algorithm>

namespace dom0 {

using namespace std::literals;

// Waiting

Store::Answer Store::watch(Asked& asked) {
    Connection& client = asked.client;
    // A special name may be any: only two of them are ever heard of
    if (!is_special(asked.path) && !is_valid(asked.path)) return Error{Errno::XEN_EINVAL};
    if (is_special(asked.path) && asked.path.size() > XENSTORE_REL_PATH_MAX)
        return Error{Errno::XEN_EINVAL};
    if (asked.texts[1].size() > Connection::longest_token) return Error{Errno::XEN_EINVAL};
    for (auto& known : client.watches)
        if (known.path == asked.path && known.token == asked.texts[1])
            return Error{Errno::XEN_EEXIST};
    if (client.domain != 0 && client.watches.size() >= Connection::most_watches)
        return Error{Errno::XEN_E2BIG};
    bool relative = asked.path.size() != asked.texts[0].size();
    client.watches.push_back(
        {asked.path, std::string{asked.texts[1]}, relative ? client.home().size() + 1 : 0});
    // A first event at once: whoever waits looks first, and need not ask whether it came too late
    client.owe(client.watches.back().event(asked.path));
    return ok();
}

Store::Answer Store::unwatch(Asked& asked) {
    auto matches = [&](const Watch& watch) {
        return watch.path == asked.path && watch.token == asked.texts[1];
    };
    if (std::erase_if(asked.client.watches, matches) == 0) return Error{Errno::XEN_ENOENT};
    return ok();
}

Store::Answer Store::reset_watches(Asked& asked) {
    asked.client.forget_all();
    return ok();
}

/// Who may hear of comings and goings: told as an entry's permissions, but never in a transaction.
Store::Answer Store::set_special_permissions(Asked& asked, Permissions permissions) {
    Special* known = special(asked.path);
    if (known == nullptr) return Error{Errno::XEN_EINVAL};
    if (!is_owner(known->permissions, asked.client.who())) return Error{Errno::XEN_EACCES};
    if (permissions.size() > Tree::most_permissions) return Error{Errno::XEN_ENOSPC};
    known->permissions = std::move(permissions);
    return ok();
}

// Agreeing

Store::Answer Store::begin(Asked& asked) {
    if (asked.transaction != nullptr) return Error{Errno::XEN_EBUSY};
    Connection& client = asked.client;
    if (client.transactions.size() >= Connection::most_transactions)
        return Error{Errno::XEN_ENOSPC};
    // A number that is in use, or that means none, is passed over
    while (client.next_transaction == 0 || client.transaction(client.next_transaction) != nullptr)
        client.next_transaction++;
    u32 id = client.next_transaction++;
    client.transactions.emplace_back(id, tree_);
    return wired(decimal(id));
}

Store::Answer Store::end(Asked& asked) {
    if (asked.transaction == nullptr) return Error{Errno::XEN_ENOENT};
    bool commit = asked.texts[0] == "T";
    if (!commit && asked.texts[0] != "F") return Error{Errno::XEN_EINVAL};
    Transaction ended = std::move(*asked.transaction);
    std::erase_if(asked.client.transactions, [&](auto& one) { return one.id() == ended.id(); });
    if (commit) turn_to(TRY(ended.onto(tree_, asked.client.who())), ended.changes());
    return ok();
}

// The household

Store::Answer Store::domain_path(Asked& asked) {
    return wired("/local/domain/" + decimal(TRY(parse_domain(asked.texts[0]))));
}

Store::Answer Store::is_introduced(Asked& asked) {
    u16 domain = TRY(parse_domain(asked.texts[0]));
    return wired(domain == 0 || find(domain) != nullptr ? "T" : "F");
}

/// The ring is where the domain's maker has put it: what is said of its frame and port is passed
/// over.
Store::Answer Store::introduce(Asked& asked) {
    Connection* newcomer = guest(TRY(parse_domain(asked.texts[0])));
    if (newcomer == nullptr) return Error{Errno::XEN_EINVAL};
    newcomer->is_introduced = true;
    fire_special("@introduceDomain");
    return ok();
}

Store::Answer Store::release(Asked& asked) {
    Connection* leaver = find(TRY(parse_domain(asked.texts[0])));
    if (leaver == nullptr) return Error{Errno::XEN_ENOENT};
    forget_domain(leaver->domain);
    *leaver = Connection{leaver->domain};
    leaver->is_introduced = false;
    fire_special("@releaseDomain");
    return ok();
}

Store::Answer Store::resume(Asked& asked) {
    return find(TRY(parse_domain(asked.texts[0]))) != nullptr ? Answer{ok()}
                                                              : Error{Errno::XEN_ENOENT};
}

/// Whoever emulates a guest's devices works in its name.
Store::Answer Store::set_target(Asked& asked) {
    Connection* actor = find(TRY(parse_domain(asked.texts[0])));
    Connection* target = find(TRY(parse_domain(asked.texts[1])));
    if (actor == nullptr || target == nullptr) return Error{Errno::XEN_ENOENT};
    actor->target = target->domain;
    return ok();
}

/// Words for whoever looks after the store.
Store::Answer Store::control(Asked& asked) {
    if (asked.texts[0] == "help") return wired("help quota");
    if (asked.texts[0] != "quota") return Error{Errno::XEN_EINVAL};
    std::string quota;
    for (auto& [name, most] : {std::pair{"entries", Tree::most_owned},
                               {"bytes of a value", Tree::longest_value},
                               {"permissions of an entry", Tree::most_permissions},
                               {"watches", Connection::most_watches},
                               {"transactions", Connection::most_transactions}})
        quota += name + ": "s + decimal(most) + "\n";
    return wired(quota);
}

}  // namespace dom0

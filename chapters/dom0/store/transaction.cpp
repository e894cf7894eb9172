// A transaction of the store.
#include "transaction.hpp"

#include <algorithm>

namespace dom0 {

Result<> Transaction::note(std::string_view path) {
    auto place = std::lower_bound(looked_.begin(), looked_.end(), path);
    if (place != looked_.end() && *place == path) return {};
    if (noted_ + path.size() > most_noted) return Error{Errno::XEN_ENOSPC};
    noted_ += path.size();
    looked_.insert(place, std::string{path});
    return {};
}

Result<> Transaction::note_change(std::string_view path, bool is_removal, Tree after) {
    TRY(note(path));
    auto is_known = [&](const Change& known) { return known.path == path; };
    if (is_removal) // what was changed below is gone with it
        std::erase_if(changes_, [&](auto& known) { return is_below(known.path, path); });
    if (std::none_of(changes_.begin(), changes_.end(), is_known))
        changes_.push_back({std::string{path}, is_removal});
    tree_ = std::move(after);
    return {};
}

Result<Tree> Transaction::onto(const Tree& now, Who who) const {
    for (auto& path : looked_)
        if (now.generation(path) != base_.generation(path)) return Error{Errno::XEN_EAGAIN};
    Tree next = now;
    for (auto& change : changes_)
        if (!apply(next, who, change)) return Error{Errno::XEN_EAGAIN};
    return next;
}

/// Makes an entry in `to` what it is in the transaction's own tree.
Result<> Transaction::apply(Tree& to, Who who, const Change& change) const {
    if (change.is_removal) TRY(to.remove(who, change.path));
    const Node* mine = tree_.find(change.path);
    if (mine == nullptr) return {};
    std::string_view value = mine->value;
    TRY(to.write(who, change.path, &value));
    if (to.find(change.path)->permissions == mine->permissions) return {};
    return to.set_permissions(who, change.path, mine->permissions);
}

}  // namespace dom0

// A transaction: a client's own copy of the tree, and what must still be so for it to come true.
#pragma once

#include "tree.hpp"

namespace dom0 {

class Transaction {
public:
    Transaction(u32 id, const Tree& now) : id_{id}, base_{now}, tree_{now} {}

    u32 id() const { return id_; }
    const Tree& tree() const { return tree_; }

    /// Remembers that the client looked at a path. XEN_ENOSPC: more than is remembered of one.
    Result<> note(std::string_view path);
    /// The same of a change, with the tree as it is after it.
    Result<> note_change(std::string_view path, bool is_removal, Tree after);

    /// `now` with this transaction's changes. XEN_EAGAIN where an entry that the client has looked
    /// at or changed is no longer the one that it was: it must look, and decide, again.
    Result<Tree> onto(const Tree& now, Who who) const;

    struct Change {
        std::string path;
        bool is_removal; // it was removed, whether or not something is there again
    };
    const std::vector<Change>& changes() const { return changes_; }

    /// Bytes of paths.
    static constexpr size_t most_noted = 64 * 1024;

private:
    Result<> apply(Tree& to, Who who, const Change& change) const;

    u32 id_;
    Tree base_, tree_;
    std::vector<std::string> looked_; // in order
    std::vector<Change> changes_;
    size_t noted_ = 0;
};

}  // namespace dom0

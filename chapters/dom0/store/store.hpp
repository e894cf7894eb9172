// The store: one tree, its clients, and the rules by which they read, write, wait and agree.
#pragma once

#include "connection.hpp"

#include <base/print.hpp>

namespace dom0 {

class Store {
public:
    /// A new client for the guest `domain`; one it had before is forgotten with its watches.
    Connection& connect(u16 domain);
    /// The guest is no more.
    void disconnect(u16 domain);
    /// The guest has crashed, and is kept: to whoever watches @releaseDomain it has ended.
    void crashed() { fire_special("@releaseDomain"); }
    /// The guest's client; null: it has none, or the toolstack has taken its ring away.
    Connection* find(u16 domain);

    /// A client from outside, who may what dom0 may, by a number that it chooses. One too many, and
    /// the one that came first is forgotten.
    Connection& visitor(u32 number);
    void see_off(u32 number);
    static constexpr size_t most_visitors = 16;

    /// Answers every whole message that `client` has sent; its answers lie in client.output.
    void serve(Connection& client);

    /// dom0's own hand in the tree; watches fire as for anyone's write.
    /// False: there can be no such entry.
    bool write(const std::string& path, std::string_view value);
    void set_permissions(const std::string& path, Permissions permissions);
    /// False: there is no such entry.
    bool remove(const std::string& path);
    std::optional<std::string> read(const std::string& path) const;
    /// The names of the entries below `path`; nothing when it is none itself.
    std::optional<std::vector<std::string_view>> list(const std::string& path) const;

    /// Writes the entry at `path` and everything below it, one line each. False: there is none.
    bool show(const std::string& path, Sink& out) const;

private:
    using Answer = Result<std::string>;
    /// A request, with what all of them need.
    struct Asked {
        Connection& client;
        const Message& message;
        std::vector<std::string_view> texts;
        std::string path;         // the first text, made absolute
        Transaction* transaction; // null: none
    };
    struct Request;
    static const Request requests[];

    Answer answer(Connection& client, const Message& message);
    const Tree& tree_of(const Asked& asked) const;
    Result<const Node*> looked_at(Asked& asked);
    Answer read_value(Asked& asked);
    Answer directory(Asked& asked);
    Answer directory_part(Asked& asked);
    Answer get_permissions(Asked& asked);
    Answer write_value(Asked& asked);
    Answer make(Asked& asked);
    Answer remove(Asked& asked);
    Answer set_permissions(Asked& asked);
    Answer watch(Asked& asked);
    Answer unwatch(Asked& asked);
    Answer reset_watches(Asked& asked);
    Answer set_special_permissions(Asked& asked, Permissions permissions);
    Answer begin(Asked& asked);
    Answer end(Asked& asked);
    Answer domain_path(Asked& asked);
    Answer is_introduced(Asked& asked);
    Answer introduce(Asked& asked);
    Answer release(Asked& asked);
    Answer resume(Asked& asked);
    Answer set_target(Asked& asked);
    Answer control(Asked& asked);

    /// Takes `after` for the tree, or for the transaction's.
    Answer changed(Asked& asked, Tree after, bool is_removal);
    void turn_to(Tree next, const std::vector<Transaction::Change>& changes);
    void fire(const std::string& path, const Tree& before);
    void fire_special(std::string_view name);
    bool may_know(Who who, std::string_view path, const Tree& before) const;
    Connection* guest(u16 domain);
    /// Nobody acts in its name any more, and nothing that it was allowed is left to who comes next.
    void forget_domain(u16 domain);

    /// What happens, and who may hear of it: dom0, until it says who else.
    struct Special {
        std::string_view name;
        Permissions permissions = {{0, false, false}};
    };
    Special* special(std::string_view name);

    struct Visitor {
        u32 number;
        std::unique_ptr<Connection> connection;
    };
    Tree tree_;
    Special specials_[2] = {{"@introduceDomain"}, {"@releaseDomain"}};
    std::vector<std::unique_ptr<Connection>> guests_;
    std::vector<Visitor> visitors_;

    template <typename Each>
    void for_each_client(const Each& each) const {
        for (auto& guest : guests_)
            if (guest->is_introduced) each(*guest);
        for (auto& visitor : visitors_)
            each(*visitor.connection);
    }
};

}  // namespace dom0

// The store: one tree, its clients, and the rules by which they read, write, wait and agree.
#pragma once

#include "connection.hpp"

#include <base/print.hpp>

namespace dom0 {

class Store {
public:
    /// A new client for `domain`; one it had before is forgotten with its watches.
    Connection& connect(u16 domain);
    void disconnect(u16 domain);
    Connection* find(u16 domain);

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
    Answer answer(Connection& client, const Message& message);
    Answer directory(const Node& node);
    Answer permissions_of(const Node& node);
    Answer change(Connection& client, const Message& message);
    Answer watch(Connection& client, const Message& message);
    Answer unwatch(Connection& client, const Message& message);
    Answer begin(Connection& client);
    Answer end(Connection& client, const Message& message);

    void fire(const std::string& path);
    void fire_one(Connection& client, const Watch& watch, std::string_view path);

    Tree tree_;
    u64 generation_ = 0; // counts changes: a transaction that began at an older one must try again
    std::vector<std::unique_ptr<Connection>> clients_;
};

}  // namespace dom0

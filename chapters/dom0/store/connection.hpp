// One client of the store: the bytes it sent, the bytes it is owed, its watches and transactions.
#pragma once

#include "tree.hpp"

#include <kit/xen.hpp>
#include <optional>
#include <xen/io/xs_wire.h>

namespace dom0 {

/// One request as it came off the wire (xen/io/xs_wire.h): type and payload.
struct Message {
    xsd_sockmsg header = {};
    std::string payload;

    /// The payload's texts: each ends in a zero byte; a last one without it counts too.
    std::vector<std::string_view> texts() const;
};

/// A client's private copy of the tree, and what it changed there.
struct Transaction {
    u32 id;
    Tree tree;
    u64 generation;
    std::vector<std::string> changed;
};

struct Watch {
    std::string path; // absolute, or one of the special @names
    std::string token;
    size_t prefix; // so many bytes are left out of reports: the client watched a relative path
};

struct Connection {
    explicit Connection(u16 who) : domain{who} {}

    u16 domain;
    bool broken = false; // it has sent what no client may send: nothing more is read
    std::string input, output;
    std::vector<Watch> watches;
    std::vector<Transaction> transactions;
    u32 next_transaction = 1;

    /// Takes the first whole message out of `input`, or nothing. Breaks on one that is too long.
    std::optional<Message> take_message();

    void send(u32 type, u32 request, u32 transaction, std::string_view payload);

    Transaction* transaction(u32 id);

    /// The absolute form of a path as this client writes it: relative ones start at its home.
    std::string absolute(std::string_view path) const;
    std::string home() const;

    /// Bounds of what dom0 remembers for one guest.
    static constexpr size_t most_watches = 128, most_transactions = 10, most_output = 64 * 1024;
};

/// A number in decimal: xenstore speaks text.
std::string decimal(u64 number);

}  // namespace dom0

// One client of the store: the bytes it sent, the bytes it is owed, its watches and transactions.
#pragma once

#include "transaction.hpp"

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

/// A text as the wire has it, with the zero byte at its end; and the answer that all is well.
inline std::string wired(std::string_view text) { return std::string{text} + '\0'; }
inline std::string ok() { return wired("OK"); }

struct Watch {
    std::string path; // absolute, or one of the special @names
    std::string token;
    size_t prefix; // so many bytes are left out of events: the client watched a relative path

    /// What its client is told when something happens at `at`: path and token.
    std::string event(std::string_view at) const;
};

struct Connection {
    explicit Connection(u16 who) : domain{who} {}

    u16 domain;
    std::optional<u16> target; // it may what this guest may, too
    bool is_introduced = true; // the toolstack may take a guest's ring away, and give it back
    bool broken = false;       // it has sent what no client may send: nothing more is read
    std::string input, output;
    std::vector<std::string> events; // owed, and not yet in `output`
    std::vector<Watch> watches;
    std::vector<Transaction> transactions;
    u32 next_transaction = 1;

    /// Takes the first whole message out of `input`, or nothing. Breaks on one that is too long.
    std::optional<Message> take_message();

    void send(u32 type, u32 request, u32 transaction, std::string_view payload);

    /// Owes the client an event. One that it is owed already tells it the same: it is not repeated.
    void owe(std::string event);
    /// Moves what it is owed into `output`, as far as there is room.
    void send_events();

    Transaction* transaction(u32 id);
    void forget_all();
    Who who() const { return {domain, target.value_or(domain)}; }

    /// The absolute form of a path as this client writes it: relative ones start at its home.
    std::string absolute(std::string_view path) const;
    std::string home() const;

    /// Bounds of what dom0 remembers for one client.
    static constexpr size_t most_watches = 128, most_transactions = 10, most_events = 1024,
                            most_output = 64 * 1024, longest_token = 1024;
};

}  // namespace dom0

// The link's session: which client is heard, and each request done once, however often it comes.
#pragma once

#include "cbor.hpp"

#include <deque>

namespace dom0 {

inline constexpr u8 link_version = 1;

/// What a request asks for. `says` is one line for a person where it is refused.
struct Request {
    const Value& arguments; // a map
    CborWriter& answer;     // exactly one item is written here where it is granted
    std::string& says;

    /// An argument, or what its absence means: empty, 0.
    std::string_view text(std::string_view name) const;
    u64 number(std::string_view name) const;
    /// "domain": a name, or a number as digits.
    std::string name() const;
};

/// Does what clients ask: the session knows no verb itself but hello.
class Performer {
public:
    virtual Result<> perform(std::string_view verb, const Request& request) = 0;
    /// Adds to what hello tells: names and values of the map that is open.
    virtual void introduce(CborWriter& hello) = 0;

protected:
    ~Performer() = default;
};

class Session {
public:
    explicit Session(Performer& performer) : performer_{performer} {}

    /// Takes a frame's body; returns the body of the reply, or nothing where there is nothing to
    /// say: to what is no request, and to one that is older than the last. `limit` is the longest
    /// body that this way of coming in is sure to carry.
    std::optional<std::string> take(std::string_view body, u64 limit);

    /// The longest body of a request, and of a reply.
    static constexpr size_t longest_request = 4096, longest_reply = 64 * 1024;

private:
    struct Heading {
        u64 id, session;
        std::string_view verb;
    };
    std::string answer(const Heading& heading, const Value& arguments);
    std::string welcome(const Heading& heading, u64 limit);
    bool was_here(u64 session) const;

    static constexpr size_t remembered = 16;
    Performer& performer_;
    std::optional<u64> owner_;
    std::deque<u64> former_; // sessions that the owner, or one before it, has taken over from
    u64 last_id_ = 0;
    std::string last_reply_;
};

/// Xen's name of an error, "ENOENT".
std::string_view name_of(Errno code);

}  // namespace dom0

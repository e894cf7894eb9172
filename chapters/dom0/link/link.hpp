// The link's two ways in: lines of its own, and COM1, where its frames stand between zeros in the
// shell's text.
#pragma once

#include "frames.hpp"
#include "line.hpp"
#include "verbs.hpp"

namespace dom0 {

class Link {
public:
    explicit Link(Steward& steward) : verbs_{steward}, session_{verbs_} {}

    /// Opens the link's own lines, where there are any. True where an interrupt of theirs may be
    /// missed, so that somebody should look now and then.
    bool init() {
        line_.init();
        return line_.may_miss();
    }

    /// Moves bytes over those lines, both ways. True: more may be waiting. `crowded`: guests keep
    /// dom0 so busy that a frame is waited for a little, lest its line be looked at once for each
    /// page that they print.
    bool pump(bool crowded);

    /// Takes a byte that came in on COM1; returns what of it is for the shell.
    std::string hear(char byte);

    /// Keeps a line of news for whoever asks.
    void hear_news(std::string_view news) { verbs_.hear_news(news); }

private:
    bool receive();
    bool send();
    void end_if_asked();

    Verbs verbs_;
    Session session_;
    Line line_;
    Splitter on_line_{Session::longest_request}, on_com1_{Session::longest_request};
    std::string incoming_, outgoing_; // over the line: not yet looked at, not yet sent
    u64 moved_at_ = 0;     // when the line last took a byte
    u64 received_at_ = 0;  // when it last brought one
    u64 heard_at_ = 0;     // when COM1 last brought one
};

}  // namespace dom0

// Moving the link's bytes.
#include "link.hpp"

#include <kit/clock.hpp>
#include <kit/print.hpp>

namespace dom0 {
namespace {

/// So long a silence in the middle of a frame, and nothing more of it will come; so long a line
/// that takes no byte, and nobody is there.
constexpr u64 patience_ns = 1'000'000'000;

/// How long one turn may wait for the rest of a frame, and how often it looks.
constexpr u64 turn_ns = 5'000'000, pause_ns = 100'000;

/// What a request may be long on COM1: the hypervisor keeps 256 bytes for us between two looks.
constexpr u64 com1_limit = 240;

constexpr size_t most_waiting = Session::longest_reply;

}  // namespace

bool Link::pump(bool crowded) {
    bool received = receive();
    u64 looked = now_ns();
    for (const u64 end = looked + turn_ns; crowded && on_line_.inside() && looked < end;)
        if (const u64 now = now_ns(); now - looked > pause_ns) {
            looked = now;
            received |= receive();
        }
    const bool sent = send();
    if (outgoing_.empty()) end_if_asked();
    return received || sent;
}

bool Link::receive() {
    if (outgoing_.size() > most_waiting) return false;
    if (on_line_.inside() && now_ns() - received_at_ > patience_ns) on_line_.abandon();
    if (incoming_.empty()) incoming_ = line_.read();
    if (incoming_.empty()) return false;
    received_at_ = now_ns();
    size_t taken = 0;
    std::string noise; // it carries no text
    while (taken < incoming_.size() && outgoing_.size() <= most_waiting)
        if (auto body = on_line_.take(incoming_[taken++], noise))
            if (auto reply = session_.take(*body, Session::longest_request)) {
                if (outgoing_.empty()) moved_at_ = now_ns();
                outgoing_ += frame(*reply);
            }
    incoming_.erase(0, taken);
    return true;
}

bool Link::send() {
    if (outgoing_.empty()) return false;
    constexpr size_t most = 1024;
    size_t taken = 0;
    for (size_t now = 1; now > 0 && taken < most && taken < outgoing_.size(); taken += now)
        now = line_.write(std::string_view{outgoing_}.substr(taken));
    outgoing_.erase(0, taken);
    if (taken > 0)
        moved_at_ = now_ns();
    else if (now_ns() - moved_at_ > patience_ns)
        outgoing_.clear();
    return true;
}

std::string Link::hear(char byte) {
    if (on_com1_.inside() && now_ns() - heard_at_ > patience_ns) on_com1_.abandon();
    heard_at_ = now_ns();
    std::string keys;
    if (auto body = on_com1_.take(byte, keys))
        if (auto reply = session_.take(*body, com1_limit)) console().write(frame(*reply));
    end_if_asked();
    return keys;
}

void Link::end_if_asked() {
    if (auto how = verbs_.ending()) shut_down(*how);
}

}  // namespace dom0

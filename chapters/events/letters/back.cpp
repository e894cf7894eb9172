// The end that answers: it maps the ring, binds the port, and gives each text back in capitals.
#include "ends.hpp"

#include <kit/events.hpp>
#include <kit/print.hpp>

namespace letters {

Result<> Back::take_up() {
    const u32 reference = TRY(bus_.number_of_peer("ring-ref"));
    TRY(ring_page_.open(bus_.peer(), reference, false));
    done(At::mapped);
    const u32 theirs = TRY(bus_.number_of_peer("event-channel"));
    port_ = TRY(bind_interdomain(bus_.peer(), theirs));
    done(At::bound);
    ring_.emplace(ring_page_.as<Page>());
    print("letters: connected to d{}: ring by reference {}, port {}\n", bus_.peer(), reference,
          port_);
    return {};
}

/// As many letters as the ring holds; then others have their turn.
Result<Driver::Talk> Back::talk() {
    for (u32 i = 0; i < Page::size; i++) {
        const auto letter = TRY(ring_->take());
        if (!letter) {
            if (ring_->wants_no_sleep()) return Talk::busy;
            return Talk::idle;
        }
        done(At::took);
        ring_->put(answer(*letter));
        if (ring_->push()) send_event(port_);
        run_away(ring_page_.as<Page>().rsp_prod);
        count_++;
        done(At::answered);
        if (is_over()) return Talk::over;
    }
    return Talk::busy;
}

Reply Back::answer(const Letter& letter) {
    Reply reply = {letter.number, 0, letter.length, 0, {}};
    Result<> read = Error{Errno::XEN_EINVAL};
    if (letter.length <= longest_text) {
        memcpy(reply.text, letter.text, longest_text);
        if (letter.kind == in_slot) read = Result<>{};
        if (letter.kind == in_page) read = read_page(letter, reply.text);
    }
    if (!read) return {letter.number, -int(read.error().code), 0, 0, {}};
    for (char& each : reply.text)
        if (each >= 'a' && each <= 'z') each = char(each - 'a' + 'A');
    return reply;
}

Result<> Back::read_page(const Letter& letter, char (&text)[longest_text]) {
    TRY(letter_.open(bus_.peer(), letter.reference, true));
    done(At::opened);
    memcpy(text, &letter_.as<char>(), letter.length);
    letter_.close();
    return {};
}

void Back::let_go() {
    ring_.reset();
    letter_.close();
    if (ring_page_.is_open() && !lies("keep")) {
        ring_page_.close();
        done(At::unmapped);
    }
    shut();
}

}  // namespace letters

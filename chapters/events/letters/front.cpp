// The end that asks: it lends the ring, offers the port, and writes letters in turn into the slot
// and into a page of their own.
#include "ends.hpp"

#include <kit/decimal.hpp>
#include <kit/events.hpp>
#include <kit/guest.hpp>
#include <kit/print.hpp>
#include <kit/xen.hpp>

#include <algorithm>

namespace letters {
namespace {

constexpr std::string_view texts[] = {"who is there?", "the kettle is on", "mind the step"};

std::string_view text_of(u32 number) { return texts[number % std::size(texts)]; }

char capital(char letter) {
    return letter >= 'a' && letter <= 'z' ? char(letter - 'a' + 'A') : letter;
}

}  // namespace

Front::Front(BusEnd& bus, GrantTable& table) : End{bus}, ring_page_{table}, letter_{table} {}

Result<> Front::offer() {
    ring_page_.as<Page>().clear();
    TRY(ring_page_.lend(bus_.peer(), false));
    done(At::granted);
    port_ = TRY(alloc_unbound(DOMID_SELF, bus_.peer()));
    done(At::allocated);
    TRY(write_offer());
    done(At::written);
    ring_.emplace(ring_page_.as<Page>());
    return {};
}

Result<> Front::write_offer() {
    const u32 reference = lies("reference") ? 511 : ring_page_.reference();
    TRY(bus_.write("ring-ref", decimal(reference)));
    return bus_.write("event-channel", decimal(lies("port") ? 4000 : port_));
}

Result<> Front::connect() {
    print("letters: connected to d{}: ring by reference {}, port {}\n", bus_.peer(),
          ring_page_.reference(), port_);
    return {};
}

/// One letter at a time.
Result<Driver::Talk> Front::talk() {
    for (;;) {
        const auto reply = TRY(ring_->take());
        if (reply) {
            TRY(hear(*reply));
            done(At::heard);
            if (is_over()) return Talk::over;
        }
        if (ring_->unanswered() == 0 && count_ < wanted()) {
            TRY(ask());
            done(At::asked);
        }
        if (!ring_->wants_no_sleep()) return Talk::idle;
    }
}

Result<> Front::ask() {
    const auto text = text_of(count_);
    Letter letter = {count_, count_ % 2 == 0 ? in_slot : in_page, u32(text.size()), 0, {}};
    if (letter.kind == in_page) {
        memcpy(&letter_.as<char>(), text.data(), text.size());
        TRY(letter_.lend(bus_.peer(), true));
        letter.reference = letter_.reference();
    } else {
        memcpy(letter.text, text.data(), text.size());
    }
    ring_->put(letter);
    if (ring_->push()) send_event(port_);
    run_away(ring_page_.as<Page>().req_prod);
    return {};
}

/// The answer must be that letter's, and the page be ours again.
Result<> Front::hear(const Reply& reply) {
    const auto text = text_of(count_);
    const bool is_right =
        reply.number == count_ && reply.status == 0 && reply.length == text.size() &&
        std::equal(text.begin(), text.end(), reply.text,
                   [](char mine, char theirs) { return capital(mine) == theirs; });
    if (!is_right || !letter_.take_back()) return Error{Errno::XEN_EINVAL};
    print("letters: d{} answers '{}'\n", bus_.peer(), std::string_view{reply.text, text.size()});
    count_++;
    return {};
}

void Front::let_go() {
    ring_.reset();
    if (pages_out() == 0) done(At::ended);
    shut();
}

}  // namespace letters

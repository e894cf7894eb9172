// What both ends have: how many letters they want, a port, and what they say of their states.
#include "ends.hpp"

#include <kit/decimal.hpp>
#include <kit/events.hpp>
#include <kit/guest.hpp>
#include <kit/print.hpp>

namespace letters {

u32 End::wanted() { return parse_decimal(guest().option("letters")).value_or(3); }

/// `then=close`: it ends the device once it has had its letters.
bool End::is_over() const { return count_ >= wanted() && guest().option("then") == "close"; }

bool End::lies(std::string_view how) { return guest().option("lie") == how; }

/// The lie `producer`: there is more on the ring than it can hold.
void End::run_away(u32& producer) const {
    if (!lies("producer")) return;
    producer += 1000;
    send_event(port_);
}

void End::shut() {
    if (port_ == 0) return;
    close_port(port_);
    port_ = 0;
    done(At::shut);
}

void End::became(BusState state) {
    print("letters: {} is {}\n", bus_.home(), name_of(state));
    if (state == BusState::connected && lies("state")) (void)bus_.write("state", "77");
    switch (state) {
    case BusState::init_wait: return done(At::waiting);
    case BusState::initialised: return done(At::offered);
    case BusState::connected: return done(At::connected);
    case BusState::closing: return done(At::closing);
    case BusState::closed: return done(At::closed);
    default: return;
    }
}

}  // namespace letters

// The handshake of a device, as one table: who one is, how far both are, and what follows.
#include "xenbus.hpp"

namespace kit {
namespace {

using enum BusState;

/// A set of states.
using States = u16;
template <class... Each> constexpr States any_of(Each... states) {
    return States(((1u << unsigned(states)) | ...));
}
constexpr States all = (1u << bus_states) - 1;
constexpr States open = any_of(init_wait, initialised, connected, reconfiguring, reconfigured);

enum class Ends : u8 { front, back, both };

struct Row {
    Ends ends;
    States mine, others;
    Act act;
    BusState next;
};

/// The first row that fits is the one that holds.
constexpr Row rows[] = {
    {Ends::both, any_of(closed), all, Act::wait, closed},

    // The front waits for a back that is ready, offers its ring, and waits for that to be served
    {Ends::front, any_of(initialising), any_of(initialising), Act::wait, initialising},
    {Ends::front, any_of(initialising), any_of(init_wait), Act::offer, initialised},
    {Ends::front, any_of(initialised), any_of(init_wait, initialised), Act::wait, initialised},
    {Ends::front, any_of(initialised), any_of(connected), Act::connect, connected},

    // The back says what it can, waits for an offer, and takes it up
    {Ends::back, any_of(initialising), any_of(initialising), Act::prepare, init_wait},
    {Ends::back, any_of(init_wait), any_of(initialising), Act::wait, init_wait},
    {Ends::back, any_of(init_wait), any_of(initialised, connected), Act::take_up, connected},
    {Ends::back, any_of(connected), any_of(initialised), Act::wait, connected},

    {Ends::both, any_of(connected), any_of(connected), Act::talk, connected},

    // A back that changes says so, and a front follows
    {Ends::front, any_of(connected), any_of(reconfiguring), Act::hold, reconfiguring},
    {Ends::front, any_of(reconfiguring), any_of(reconfiguring), Act::wait, reconfiguring},
    {Ends::front, any_of(reconfiguring), any_of(reconfigured), Act::resume, connected},
    {Ends::front, any_of(connected), any_of(reconfigured), Act::wait, connected},
    {Ends::back, any_of(reconfiguring), any_of(connected), Act::wait, reconfiguring},
    {Ends::back, any_of(reconfiguring), any_of(reconfiguring), Act::hold, reconfigured},
    {Ends::back, any_of(reconfigured), any_of(reconfiguring), Act::wait, reconfigured},
    {Ends::back, any_of(reconfigured), any_of(connected), Act::resume, connected},

    // Who closes waits for the other, the front first of all: a back must give back its pages
    {Ends::front, any_of(closing), open | any_of(closing), Act::wait, closing},
    {Ends::back, any_of(closing), open, Act::wait, closing},

    // What is left are ends, breaches, and words that mean nothing
    {Ends::both, all, all, Act::let_go, closed},
};

constexpr bool fits(const Row& row, Who who, BusState mine, BusState others) {
    const Ends self = who == Who::front ? Ends::front : Ends::back;
    return (row.ends == Ends::both || row.ends == self) && (row.mine >> unsigned(mine) & 1) != 0 &&
           (row.others >> unsigned(others) & 1) != 0;
}

constexpr std::string_view names[bus_states] = {
    "gone",    "initialising", "waiting",       "initialised",  "connected",
    "closing", "closed",       "reconfiguring", "reconfigured", "nonsense",
};

}  // namespace

Step next_step(Who who, BusState mine, BusState others) {
    const Row* row = rows;
    while (!fits(*row, who, mine, others))
        row++;
    return {row->act, row->next};
}

BusState bus_state(std::string_view text) {
    const bool is_digit = text.size() == 1 && text[0] >= '0' && text[0] <= '8';
    return is_digit ? BusState(text[0] - '0') : nonsense;
}

std::string_view name_of(BusState state) { return names[size_t(state)]; }

}  // namespace kit

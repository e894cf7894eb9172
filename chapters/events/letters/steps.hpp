// Every step of an end's life with a device, in order, by the name at which it can be told to die.
#pragma once

#include <kit/xenbus.hpp>

namespace letters {

using namespace kit;

enum class At : u8 {
    found,     // both: the device is in our directory, and we watch the other
    waiting,   // back: its state is InitWait
    granted,   // front: the ring's page is promised
    allocated, // front: the port is offered
    written,   // front: both are in the store
    offered,   // front: its state is Initialised
    mapped,    // back: the ring's page is mapped
    bound,     // back: the port is bound
    connected, // both: so is its state
    asked,     // front: a letter is on the ring, and the bell rung
    took,      // back: a letter is taken off the ring
    opened,    // back: the page that it came in is mapped
    answered,  // back: its answer is on the ring, and the bell rung
    heard,     // front: the answer is taken off the ring
    closing,   // who ends it: so is its state
    unmapped,  // back: the ring's page is given back
    ended,     // front: the ring's page is taken back
    shut,      // both: the port is closed
    closed,    // both: so is its state
};

inline constexpr std::string_view step_names[] = {
    "found",     "waiting", "granted", "allocated", "written", "offered", "mapped",
    "bound",     "connected", "asked", "took",    "opened",    "answered", "heard",
    "closing",   "unmapped",  "ended", "shut",    "closed",
};
static_assert(std::size(step_names) == size_t(At::closed) + 1);

/// Says that a step is done. An end that was told `die=STEP` dies here: by a crash, or, with
/// `by=poweroff`, as one that its owner switches off.
void done(At step);

/// False: `die` names no step.
bool is_well_ordered();

}  // namespace letters

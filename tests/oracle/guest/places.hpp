// Odd places for an argument: addresses that a hypercall must survive, others that it must take.
#pragma once

#include "ask.hpp"

#include <span>

namespace oracle {

/// An address to hand over, by name.
struct Place {
    std::string_view name;
    u64 address;
    bool writable;  ///< an argument can be laid there
};

/// Lays out a window of virtual pages, two of RAM beside each other that are not neighbours in
/// physical memory, one absent, one read-only, one without RAM behind it. Called once.
void places_init();

/// Two pages of RAM, the second of them the last before an absent one. Below 4 GiB.
u64 window();
u64 read_only_page();
u64 absent_page();
u64 page_without_ram();

/// Everywhere that an argument of up to 64 bytes may lie, or may not.
std::span<const Place> places();

/// Puts the same question with its argument at each place.
template <class T, class Call>
void tell_at_places(std::string_view question, const T& argument, Call call) {
    for (const Place& place : places()) {
        if (place.writable) memcpy(reinterpret_cast<void*>(place.address), &argument, sizeof(T));
        tell(question, place.name, Told{call(place.address)});
    }
}

}  // namespace oracle

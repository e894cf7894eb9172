// letters: two guests and a device between them, as every disk and network has one: connecting,
// talking, closing, and a next time with another partner.
#include "ends.hpp"

#include <kit/clock.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>

#include <memory>
#include <vector>

using namespace letters;

namespace {

[[noreturn]] void give_up(std::string_view why, Errno code) {
    print("letters: {}: {}\n", why, describe(code));
    shut_down(Shutdown::crash);
}

/// A device of ours, and what we do with it.
struct Device {
    Device(StoreClient& store, Who who, std::string home, GrantTable& table)
        : bus{store, who, std::move(home)} {
        if (who == Who::front)
            end = std::make_unique<Front>(bus, table);
        else
            end = std::make_unique<Back>(bus);
    }
    BusEnd bus;
    std::unique_ptr<End> end;
};

/// From the first look at a device until it is closed.
void live_with(Device& device, GuestStore& store) {
    auto& [bus, end] = device;
    if (!bus.begin()) return bus.abandon(*end);
    print("letters: {} is mine, and d{}'s\n", bus.home(), bus.peer());
    done(At::found);
    while (bus.state() != BusState::closed) {
        (void)take_pending(store.bell.port());
        if (end->port() != 0) (void)take_pending(end->port());
        if (bus.turn(*end) == Driver::Talk::busy) continue;
        if (auto token = store.client.news()) {
            bus.hear(*token);
            continue;
        }
        const u32 ports[] = {store.bell.port(), end->port()};
        sleep_until_rung({ports, end->port() != 0 ? 2u : 1u});
    }
}

/// A device that is over, as far as this end goes: true once no page of ours is out.
bool is_settled(const std::unique_ptr<Device>& device) {
    if (device->end->pages_out() != 0) return false;
    print("letters: {} is over, and nothing of mine is out\n", device->bus.home());
    return true;
}

/// Waits until our directory has changed, or pages may have come back: no bell tells of those.
void wait(GuestStore& store, std::vector<std::unique_ptr<Device>>& unsettled) {
    constexpr u64 patience_ns = 100'000'000;
    for (;;) {
        std::erase_if(unsettled, is_settled);
        (void)take_pending(store.bell.port());
        if (store.client.news()) return;
        const u32 port = store.bell.port();
        sleep_until_rung({&port, 1}, unsettled.empty() ? 0 : now_ns() + patience_ns);
    }
}

}  // namespace

/// Options: `role=front|back`; `letters=N` (default: 3), after which an end with `then=close`
/// closes the device; `die=STEP` and `by=poweroff` (steps.hpp); `lie=HOW` (ends.hpp).
void guest_main() {
    if (!is_well_ordered()) give_up("die= names no step", Errno::XEN_EINVAL);
    if (auto ready = clock_init(); !ready) give_up("no shared page", ready.error().code);
    GrantTable table;
    if (auto opened = table.open(); !opened) give_up("no grant table", opened.error().code);
    auto opened = open_store();
    if (!opened) give_up("no store", opened.error().code);
    GuestStore& store = **opened;

    const Who who = guest().option("role") == "back" ? Who::back : Who::front;
    const std::string_view directory = who == Who::front ? "device/letters" : "backend/letters";
    if (auto watched = store.client.watch(directory, "devices"); !watched)
        give_up("the store does not let me watch", watched.error().code);
    for (std::vector<std::unique_ptr<Device>> unsettled;;) {
        if (auto home = find_beginning(store.client, who, "letters")) {
            unsettled.push_back(std::make_unique<Device>(store.client, who, *home, table));
            live_with(*unsettled.back(), store);
        } else {
            wait(store, unsettled);
        }
    }
}

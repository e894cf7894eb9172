// One end of a device: its entries, the other's, and the steps that it takes.
#include "xenbus.hpp"

#include "decimal.hpp"

namespace kit {

BusEnd::BusEnd(StoreClient& store, Who who, std::string home)
    : store_{store}, who_{who}, home_{std::move(home)} {}

BusEnd::~BusEnd() {
    if (is_watching_) (void)store_.unwatch(peer_home_ + "/state", home_);
}

Result<> BusEnd::begin() {
    const std::string other = home_ + (who_ == Who::front ? "/backend" : "/frontend");
    auto peer = parse_decimal(TRY(store_.read(other + "-id")));
    if (!peer || *peer >= DOMID_FIRST_RESERVED) return Error{Errno::XEN_EINVAL};
    peer_ = u16(*peer);
    peer_home_ = TRY(store_.read(other));
    if (!peer_home_.starts_with('/')) return Error{Errno::XEN_EINVAL};
    TRY(store_.watch(peer_home_ + "/state", home_));
    is_watching_ = true;
    hear(home_);
    return {};
}

void BusEnd::hear(std::string_view token) {
    if (token != home_) return;
    auto text = store_.read(peer_home_ + "/state");
    others_ = text.ok() ? bus_state(*text) : BusState::gone;
}

Driver::Talk BusEnd::turn(Driver& driver) {
    const Step step = next_step(who_, mine_, others_);
    auto done = act(driver, step.act);
    if (!done)
        abandon(driver);
    else if (step.next != mine_)
        become(driver, step.next);
    else if (*done == Driver::Talk::over)
        close(driver);
    else
        return *done;
    return Driver::Talk::busy;
}

void BusEnd::abandon(Driver& driver) {
    driver.let_go();
    become(driver, BusState::closed);
}

// A back gives everything back before it says so; a front, which cannot take back what is in use,
// waits until the back has.
void BusEnd::close(Driver& driver) {
    if (mine_ == BusState::closed || mine_ == BusState::closing) return;
    if (who_ == Who::back) driver.let_go();
    become(driver, BusState::closing);
}

Result<Driver::Talk> BusEnd::act(Driver& driver, Act act) {
    switch (act) {
    case Act::wait: break;
    case Act::prepare: TRY(driver.prepare()); break;
    case Act::offer: TRY(driver.offer()); break;
    case Act::take_up: TRY(driver.take_up()); break;
    case Act::connect: TRY(driver.connect()); break;
    case Act::talk: return driver.talk();
    case Act::hold: driver.hold(); break;
    case Act::resume: driver.resume(); break;
    case Act::let_go: driver.let_go(); break;
    }
    return Driver::Talk::idle;
}

/// Says so in the store, unless our entry has been removed: it is not ours to make anew.
void BusEnd::become(Driver& driver, BusState state) {
    mine_ = state;
    const std::string path = home_ + "/state";
    for (bool again = true; again;) {
        auto transaction = store_.begin();
        if (!transaction) break;
        if (!store_.read(path, *transaction)) {
            (void)store_.give_up(*transaction);
            break;
        }
        (void)store_.write(path, decimal(u64(state)), *transaction);
        auto done = store_.commit(*transaction);
        again = !done && done.error().code == Errno::XEN_EAGAIN;
    }
    driver.became(state);
}

Result<> BusEnd::write(std::string_view name, std::string_view value) {
    return store_.write(home_ + "/" + std::string{name}, value);
}

Result<u32> BusEnd::number_of_peer(std::string_view name) {
    auto number = parse_decimal(TRY(store_.read(peer_home_ + "/" + std::string{name})));
    if (!number) return Error{Errno::XEN_EINVAL};
    return *number;
}

namespace {

std::string below(std::string path, std::string_view name) {
    path.append("/").append(name);
    return path;
}

/// The first directory in `place` whose state is Initialising.
std::optional<std::string> beginning_in(StoreClient& store, const std::string& place) {
    auto names = store.directory(place);
    if (!names) return {};
    for (auto& name : *names) {
        std::string home = below(place, name);
        auto state = store.read(below(home, "state"));
        if (state.ok() && bus_state(*state) == BusState::initialising) return home;
    }
    return {};
}

}  // namespace

std::optional<std::string> find_beginning(StoreClient& store, Who who, std::string_view kind) {
    if (who == Who::front) return beginning_in(store, below("device", kind));
    const std::string place = below("backend", kind);
    auto fronts = store.directory(place);
    if (!fronts) return {};
    for (auto& front : *fronts)
        if (auto found = beginning_in(store, below(place, front))) return found;
    return {};
}

}  // namespace kit

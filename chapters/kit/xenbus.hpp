// A device's handshake: two ends, each with a state in the store that the other watches
// (xen/io/xenbus.h). Neither end believes the other.
#pragma once

#include "store.hpp"

#include <xen/io/xenbus.h>

namespace kit {

/// The end that asks, and the end that serves it.
enum class Who : u8 { front, back };

/// How far an end has come: Xen's numbers, and one for what is none of them.
enum class BusState : u8 {
    gone = XenbusStateUnknown, // nothing stands there, or what we may not read
    initialising = XenbusStateInitialising,
    init_wait = XenbusStateInitWait,
    initialised = XenbusStateInitialised,
    connected = XenbusStateConnected,
    closing = XenbusStateClosing,
    closed = XenbusStateClosed,
    reconfiguring = XenbusStateReconfiguring,
    reconfigured = XenbusStateReconfigured,
    nonsense,
};
inline constexpr size_t bus_states = size_t(BusState::nonsense) + 1;

/// The state that an entry's text names.
BusState bus_state(std::string_view text);
std::string_view name_of(BusState state);

/// What a driver does between two states.
enum class Act : u8 {
    wait,    // nothing: the other owes the next move
    prepare, // back: says what it can
    offer,   // front: makes ring and port, and says where they are
    take_up, // back: maps the ring, and binds the port
    connect, // front: its ring is served from now on
    talk,    // both are connected
    hold,    // says nothing until the device is as it will be
    resume,  // goes on
    let_go,  // unmaps, takes back and closes whatever it has of the other, or lent it
};

/// What to do now, and the state to be in after it.
struct Step {
    Act act;
    BusState next;

    bool operator==(const Step&) const = default;
};

/// What an end in state `mine` does when the other's is `others`. All pairs have an answer: what is
/// in no order is a breach, after which an end lets go and is closed.
Step next_step(Who who, BusState mine, BusState others);

/// What a kind of device does at each step. Whatever fails closes the device, in order.
class Driver {
public:
    /// How a talk ended: nothing is left to say for now; there is more at once; it is over.
    enum class Talk : u8 { idle, busy, over };

    virtual Result<> prepare() { return {}; }
    virtual Result<> offer() { return {}; }
    virtual Result<> take_up() { return {}; }
    virtual Result<> connect() { return {}; }
    virtual Result<Talk> talk() = 0;
    virtual void hold() {}
    virtual void resume() {}
    /// May come more than once, and with nothing to let go of.
    virtual void let_go() = 0;
    /// The store says that we are in `state` now.
    virtual void became(BusState state) { (void)state; }

protected:
    ~Driver() = default;
};

/// One end of one device, as it stands in the store.
class BusEnd {
public:
    /// `home`: the directory of our end's entries.
    BusEnd(StoreClient& store, Who who, std::string home);
    ~BusEnd();
    BusEnd(const BusEnd&) = delete;
    BusEnd& operator=(const BusEnd&) = delete;

    /// Reads who the other is, and watches it; the news come by the token `home`.
    /// XEN_EINVAL: our directory names nobody.
    Result<> begin();

    /// Takes news of the store: when they are of the other, looks at its state.
    void hear(std::string_view token);
    /// Takes the step that follows from both states. Idle: the other owes the next move.
    Driver::Talk turn(Driver& driver);
    /// Lets go, and is closed: there is nobody to agree with.
    void abandon(Driver& driver);
    /// Ends the device by our own will.
    void close(Driver& driver);

    BusState state() const { return mine_; }
    u16 peer() const { return peer_; }
    const std::string& home() const { return home_; }
    const std::string& peer_home() const { return peer_home_; }

    /// An entry of ours. XEN_EACCES and the store's other errors.
    Result<> write(std::string_view name, std::string_view value);
    /// An entry of the other's that is a number. XEN_EINVAL: it is none.
    Result<u32> number_of_peer(std::string_view name);

private:
    Result<Driver::Talk> act(Driver& driver, Act act);
    void become(Driver& driver, BusState state);

    StoreClient& store_;
    Who who_;
    std::string home_, peer_home_;
    u16 peer_ = 0;
    BusState mine_ = BusState::initialising, others_ = BusState::initialising;
    bool is_watching_ = false;
};

/// The home of a device of ours of that kind that begins: its state is Initialising. Below
/// `device/KIND` or `backend/KIND`, which one watches. Nothing: none does.
std::optional<std::string> find_beginning(StoreClient& store, Who who, std::string_view kind);

}  // namespace kit

// The domains that dom0 has made: each with its order, its rings and its end.
#pragma once

#include "../consoles/console.hpp"
#include "../store/store.hpp"
#include "builder.hpp"
#include "control.hpp"

#include <memory>
#include <vector>

namespace dom0 {

struct Domain {
    Order order;
    Newborn link;
    Console console;
    bool gone = false;    // its number and memory are given back; only its last words remain
    bool crashed = false; // it lies where it fell, for whoever wants to look

    u16 id() const { return link.id; }
};

class Household {
public:
    Household();

    /// Builds and starts a domain. `why` is set to one line when it cannot be.
    Result<u16> create(Order order, std::string& why);
    Result<> destroy(Domain& domain);
    /// Destroys and builds it anew from the same order.
    Result<u16> rebuild(Domain& domain, std::string& why);
    /// Asks the guest, through its store, to end itself: "poweroff" or "reboot".
    void request(Domain& domain, std::string_view how);

    /// A domain by its name or number; those that are gone are found by name only.
    Domain* find(std::string_view name);
    Domain* find(u16 id);

    /// Looks at every ring, and appends what `listened` said to `said`. True: something moved.
    bool pump(u16 listened, std::string& said);

    /// Notices domains that have ended by themselves: appends the last words of `listened` to
    /// `said`, and a line about each to `news`.
    void reap(u16 listened, std::string& said, std::string& news);

    Store& store() { return store_; }

private:
    bool listen(Domain& domain, u16 listened, std::string& said);
    void introduce(Domain& domain);
    void forget(Domain& domain);
    void ended(Domain& domain, u32 reason, std::string& news);

    Store store_;
    std::vector<std::unique_ptr<Domain>> domains_;
};

}  // namespace dom0

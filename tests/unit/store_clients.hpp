// What the tests of the store share: clients who speak its protocol, a small tree, and a house of
// guests that reach it over their rings.
#pragma once

#include <dom0/store/ring.hpp>
#include <kit/store.hpp>

#include <gtest/gtest.h>
#include <map>

namespace store_clients {

using namespace dom0;
using namespace std::literals;

/// What one client sees: it sends requests and reads answers, as over a ring.
class Client {
public:
    Client(Store& store, u16 domain)
        : store_{store}, link_{domain == 0 ? store.visitor(7) : store.connect(domain)} {}

    void send(u32 type, std::string payload, u32 transaction = 0) {
        xsd_sockmsg header = {type, ++request_, transaction, u32(payload.size())};
        link_.input.append(reinterpret_cast<const char*>(&header), sizeof header);
        link_.input.append(payload);
        store_.serve(link_);
    }

    /// The next message dom0 owes this client, as "TYPE payload" with zero bytes shown as '|'.
    std::string next() {
        store_.serve(link_); // an event that another's change brought
        xsd_sockmsg header;
        if (link_.output.size() < sizeof header) return "nothing";
        memcpy(&header, link_.output.data(), sizeof header);
        std::string text =
            std::to_string(header.type) + " " + link_.output.substr(sizeof header, header.len);
        link_.output.erase(0, sizeof header + header.len);
        for (char& letter : text)
            if (letter == 0) letter = '|';
        return text;
    }
    std::string ask(u32 type, std::string payload, u32 transaction = 0) {
        send(type, std::move(payload), transaction);
        return next();
    }
    Connection& link() { return link_; }

private:
    Store& store_;
    Connection& link_;
    u32 request_ = 0;
};

inline std::string z(std::string text) { return text + '\0'; }
inline std::string answer(u32 type, const std::string& text) {
    return std::to_string(type) + " " + text;
}

class StoreTest : public testing::Test {
protected:
    void SetUp() override {
        store.write("/local/domain/5", "");
        store.set_permissions("/local/domain/5", {{0, false, false}, {5, true, false}});
        store.write("/local/domain/5/name", "linux");
        store.write("/local/domain/5/device", "");
        store.set_permissions("/local/domain/5/device", {{5, false, false}});
    }
    Store store;
};

/// A store, and guests whose own clients reach it over rings: whoever rings or waits has it served.
class House {
public:
    Store store;

    /// Has a guest's home made as the toolstack makes it, and its ring introduced.
    void move_in(u16 id) {
        const std::string home = "/local/domain/" + decimal(id);
        store.write(home, "");
        store.set_permissions(home, {{0, false, false}, {id, true, false}});
        for (auto own : {"/device", "/backend"}) {
            store.write(home + own, "");
            store.set_permissions(home + own, {{id, false, false}});
        }
        guests_[id] = std::make_unique<Guest>(*this, id);
        store.connect(id);
    }
    kit::StoreClient& client(u16 id) { return guests_.at(id)->client; }
    /// Carries to everybody what they are owed.
    void serve() {
        for (auto& [id, guest] : guests_)
            guest->ring();
    }

private:
    struct Guest final : kit::Bell {
        Guest(House& in, u16 who) : house{in}, id{who} {}
        void ring() override {
            if (Connection* link = house.store.find(id)) pump(house.store, *link, page);
        }
        void wait() override { ring(); }

        House& house;
        u16 id;
        xenstore_domain_interface page = {};
        kit::StoreClient client{page, *this};
    };
    std::map<u16, std::unique_ptr<Guest>> guests_;
};

}  // namespace store_clients

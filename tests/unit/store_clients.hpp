// What the tests of the store share: clients who speak its protocol, and a small tree.
#pragma once

#include <dom0/store/ring.hpp>

#include <gtest/gtest.h>

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

}  // namespace store_clients

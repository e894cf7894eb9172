// The store: the protocol's bytes, permissions, watches and transactions.
#include <dom0/store/ring.hpp>

#include <gtest/gtest.h>

using namespace dom0;

namespace {

/// What one client sees: it sends requests and reads answers, as over a ring.
class Client {
public:
    Client(Store& store, u16 domain) : store_{store}, link_{store.connect(domain)} {}

    void send(u32 type, std::string payload, u32 transaction = 0) {
        xsd_sockmsg header = {type, ++request_, transaction, u32(payload.size())};
        link_.input.append(reinterpret_cast<const char*>(&header), sizeof header);
        link_.input.append(payload);
        store_.serve(link_);
    }

    /// The next message dom0 owes this client, as "TYPE payload" with zero bytes shown as '|'.
    std::string next() {
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

std::string z(std::string text) { return text + '\0'; }
std::string answer(u32 type, const std::string& text) { return std::to_string(type) + " " + text; }

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

TEST_F(StoreTest, ReadsRelativeAndAbsolutePaths) {
    Client guest{store, 5};
    EXPECT_EQ(guest.ask(XS_READ, z("name")), answer(XS_READ, "linux"));
    EXPECT_EQ(guest.ask(XS_READ, z("/local/domain/5/name")), answer(XS_READ, "linux"));
    EXPECT_EQ(guest.ask(XS_READ, z("nothing")), answer(XS_ERROR, "ENOENT|"));
    EXPECT_EQ(guest.ask(XS_DIRECTORY, z("/local/domain/5")), answer(XS_DIRECTORY, "device|name|"));
}

TEST_F(StoreTest, GuestWritesOnlyWhatItOwns) {
    Client guest{store, 5}, stranger{store, 6};
    EXPECT_EQ(guest.ask(XS_WRITE, z("name") + "root"), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/vif/0/state") + "1"), answer(XS_WRITE, "OK|"));
    EXPECT_EQ(store.read("/local/domain/5/device/vif/0/state"), "1");
    EXPECT_EQ(stranger.ask(XS_READ, z("/local/domain/5/device/vif/0/state")),
              answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(stranger.ask(XS_RM, z("/local/domain/5/device")), answer(XS_ERROR, "EACCES|"));
}

TEST_F(StoreTest, RefusesOddPaths) {
    Client guest{store, 5};
    for (const char* path : {"//", "/a//b", "/a/", "a b", "/a\\b"})
        EXPECT_EQ(guest.ask(XS_READ, z(path)), answer(XS_ERROR, "EINVAL|")) << path;
    EXPECT_EQ(guest.ask(XS_READ, z("/" + std::string(3100, 'a'))), answer(XS_ERROR, "EINVAL|"));
}

TEST_F(StoreTest, WatchFiresAtOnceAndOnChanges) {
    Client guest{store, 5};
    EXPECT_EQ(guest.ask(XS_WATCH, z("control/shutdown") + z("token")), answer(XS_WATCH, "OK|"));
    EXPECT_EQ(guest.next(), answer(XS_WATCH_EVENT, "control/shutdown|token|"));
    store.write("/local/domain/5/control/shutdown", "poweroff");
    EXPECT_EQ(guest.next(), answer(XS_WATCH_EVENT, "control/shutdown|token|"));
    store.write("/local/domain/5/control/shutdown-not", "");
    EXPECT_EQ(guest.next(), "nothing");
    EXPECT_EQ(guest.ask(XS_UNWATCH, z("control/shutdown") + z("token")), answer(XS_UNWATCH, "OK|"));
    store.write("/local/domain/5/control/shutdown", "");
    EXPECT_EQ(guest.next(), "nothing");
}

TEST_F(StoreTest, TransactionIsInvisibleUntilItsEnd) {
    Client guest{store, 5};
    EXPECT_EQ(guest.ask(XS_TRANSACTION_START, z("")), answer(XS_TRANSACTION_START, "1|"));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/a") + "1", 1), answer(XS_WRITE, "OK|"));
    EXPECT_FALSE(store.read("/local/domain/5/device/a"));
    EXPECT_EQ(guest.ask(XS_READ, z("device/a"), 1), answer(XS_READ, "1"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_TRANSACTION_END, "OK|"));
    EXPECT_EQ(store.read("/local/domain/5/device/a"), "1");
}

TEST_F(StoreTest, TransactionThatLostARaceTriesAgain) {
    Client guest{store, 5};
    guest.ask(XS_TRANSACTION_START, z(""));
    guest.ask(XS_WRITE, z("device/a") + "1", 1);
    store.write("/local/domain/5/name", "other");
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_ERROR, "EAGAIN|"));
    EXPECT_FALSE(store.read("/local/domain/5/device/a"));
}

TEST_F(StoreTest, MessageThatIsTooLongBreaksTheConnection) {
    Client guest{store, 5};
    guest.send(XS_READ, std::string(XENSTORE_PAYLOAD_MAX + 1, 'a'));
    EXPECT_TRUE(guest.link().broken);
    EXPECT_EQ(guest.next(), "nothing");
}

TEST_F(StoreTest, GuestCannotFillTheStore) {
    Client guest{store, 5};
    std::string last;
    for (int i = 0; i < 1100; i++)
        last = guest.ask(XS_MKDIR, z("device/n" + std::to_string(i)));
    EXPECT_EQ(last, answer(XS_ERROR, "ENOSPC|"));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/n0") + std::string(3000, 'x')),
              answer(XS_ERROR, "E2BIG|"));
    for (int i = 0; i < 200; i++) {
        last = guest.ask(XS_WATCH, z("device") + z("t" + std::to_string(i)));
        guest.link().output.clear();
    }
    EXPECT_EQ(last, answer(XS_ERROR, "E2BIG|"));
}

TEST_F(StoreTest, GuestCannotMakeThePathsTooDeep) {
    Client guest{store, 5};
    std::string path = "/local/domain/5/device";
    for (long steps = 4; steps < Tree::deepest; steps++)
        path += "/a";
    EXPECT_EQ(guest.ask(XS_MKDIR, z(path)), answer(XS_MKDIR, "OK|"));
    EXPECT_EQ(guest.ask(XS_MKDIR, z(path + "/a")), answer(XS_ERROR, "ENOSPC|"));
}

TEST_F(StoreTest, PermissionsGoBothWays) {
    Client guest{store, 5};
    EXPECT_EQ(guest.ask(XS_GET_PERMS, z("/local/domain/5")), answer(XS_GET_PERMS, "n0|r5|"));
    EXPECT_EQ(guest.ask(XS_SET_PERMS, z("device") + z("b5") + z("r7")),
              answer(XS_SET_PERMS, "OK|"));
    EXPECT_EQ(guest.ask(XS_GET_PERMS, z("device")), answer(XS_GET_PERMS, "b5|r7|"));
    EXPECT_EQ(guest.ask(XS_SET_PERMS, z("name") + z("b5")), answer(XS_ERROR, "EPERM|"));
    EXPECT_EQ(guest.ask(XS_GET_DOMAIN_PATH, z("12")),
              answer(XS_GET_DOMAIN_PATH, "/local/domain/12|"));
}

TEST_F(StoreTest, RingCarriesALongAnswerInPieces) {
    Client guest{store, 5};
    store.write("/local/domain/5/long", std::string(1500, 'y'));
    xenstore_domain_interface ring = {};
    xsd_sockmsg header = {XS_READ, 1, 0, 5};
    std::string request{reinterpret_cast<const char*>(&header), sizeof header};
    request += z("long");
    ASSERT_EQ(ring_put(ring.req, ring.req_prod, ring.req_cons, request), request.size());

    std::string heard;
    while (pump(store, guest.link(), ring)) {
        char bytes[XENSTORE_RING_SIZE];
        heard.append(bytes, ring_get(ring.rsp, ring.rsp_prod, ring.rsp_cons, bytes));
    }
    EXPECT_EQ(heard.size(), sizeof header + 1500);
}

}  // namespace

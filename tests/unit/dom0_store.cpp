// The store: the protocol's bytes, permissions, watches, and guests that mean no good.
#include "store_clients.hpp"

#include <random>

namespace {

using namespace store_clients;

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

TEST_F(StoreTest, WatchersHearOnlyWhatTheyMayKnow) {
    Client guest{store, 5}, stranger{store, 6}, toolstack{store, 0};
    stranger.ask(XS_WATCH, z("/local/domain/5/device") + z("t"));
    stranger.next();
    guest.ask(XS_WRITE, z("device/secret") + "1");
    EXPECT_EQ(stranger.next(), "nothing");
    toolstack.ask(XS_WATCH, z("/") + z("all"));
    toolstack.next();
    guest.ask(XS_SET_PERMS, z("device/secret") + z("n5") + z("r6"));
    EXPECT_EQ(stranger.next(), answer(XS_WATCH_EVENT, "/local/domain/5/device/secret|t|"));
    EXPECT_EQ(toolstack.next(), answer(XS_WATCH_EVENT, "/local/domain/5/device/secret|all|"));
    guest.ask(XS_RM, z("device/secret"));
    EXPECT_EQ(stranger.next(), answer(XS_WATCH_EVENT, "/local/domain/5/device/secret|t|"));
}

TEST_F(StoreTest, WatcherOfAnEntryHearsThatItsHouseIsGone) {
    Client toolstack{store, 0};
    store.write("/local/domain/5/device/vif/0/state", "4");
    toolstack.ask(XS_WATCH, z("/local/domain/5/device/vif/0/state") + z("t"));
    toolstack.next();
    store.remove("/local/domain/5");
    EXPECT_EQ(toolstack.next(),
              answer(XS_WATCH_EVENT, "/local/domain/5/device/vif/0/state|t|"));
    EXPECT_EQ(toolstack.next(), "nothing");
}

TEST_F(StoreTest, ComingsAndGoingsAreDom0sToKnow) {
    Client guest{store, 5}, toolstack{store, 0};
    for (auto* client : {&guest, &toolstack})
        for (const char* name : {"@introduceDomain", "@releaseDomain"}) {
            EXPECT_EQ(client->ask(XS_WATCH, z(name) + z("t")), answer(XS_WATCH, "OK|"));
            EXPECT_EQ(client->next(), answer(XS_WATCH_EVENT, name + "|t|"s));
        }
    { Client newcomer{store, 6}; }
    store.disconnect(6);
    EXPECT_EQ(guest.next(), "nothing");
    EXPECT_EQ(toolstack.next(), answer(XS_WATCH_EVENT, "@introduceDomain|t|"));
    EXPECT_EQ(toolstack.next(), answer(XS_WATCH_EVENT, "@releaseDomain|t|"));
}

TEST_F(StoreTest, WhoSleepsThroughAThousandWritesIsToldOnce) {
    Client guest{store, 5};
    guest.ask(XS_WATCH, z("memory/target") + z("t"));
    guest.next();
    for (int i = 0; i < 1000; i++)
        store.write("/local/domain/5/memory/target", std::to_string(i));
    EXPECT_EQ(guest.next(), answer(XS_WATCH_EVENT, "memory/target|t|"));
    EXPECT_EQ(guest.next(), "nothing");
    EXPECT_FALSE(guest.link().broken);
}

TEST_F(StoreTest, LongListsComeInParts) {
    Client toolstack{store, 0};
    size_t entries = 700;
    for (size_t i = 0; i < entries; i++)
        store.write("/long/entry-" + std::to_string(i), "");
    EXPECT_EQ(toolstack.ask(XS_DIRECTORY, z("/long")), answer(XS_ERROR, "E2BIG|"));
    size_t offset = 0, heard = 0, parts = 0;
    for (bool is_last = false; !is_last; parts++) {
        std::string part = toolstack.ask(XS_DIRECTORY_PART, z("/long") + z(std::to_string(offset)));
        ASSERT_LE(part.size(), XENSTORE_PAYLOAD_MAX + 3u);
        std::string names = part.substr(part.find('|') + 1);
        is_last = names.ends_with("||");
        if (is_last) names.pop_back();
        offset += names.size();
        heard += size_t(std::count(names.begin(), names.end(), '|'));
    }
    EXPECT_EQ(heard, entries);
    EXPECT_EQ(parts, 2u);
    EXPECT_EQ(toolstack.ask(XS_DIRECTORY_PART, z("/long") + z("x")), answer(XS_ERROR, "EINVAL|"));
    std::string beyond = toolstack.ask(XS_DIRECTORY_PART, z("/long") + z("999999"));
    EXPECT_TRUE(beyond.ends_with("||")) << beyond;
}

TEST_F(StoreTest, DomainsAreReleasedAndIntroduced) {
    Client guest{store, 5}, toolstack{store, 0};
    EXPECT_EQ(guest.ask(XS_RELEASE, z("5")), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(toolstack.ask(XS_IS_DOMAIN_INTRODUCED, z("5")),
              answer(XS_IS_DOMAIN_INTRODUCED, "T|"));
    guest.ask(XS_WATCH, z("name") + z("t"));
    EXPECT_EQ(toolstack.ask(XS_RELEASE, z("5")), answer(XS_RELEASE, "OK|"));
    EXPECT_EQ(store.find(5), nullptr);
    EXPECT_EQ(toolstack.ask(XS_IS_DOMAIN_INTRODUCED, z("5")),
              answer(XS_IS_DOMAIN_INTRODUCED, "F|"));
    EXPECT_EQ(toolstack.ask(XS_RELEASE, z("5")), answer(XS_ERROR, "ENOENT|"));
    EXPECT_EQ(toolstack.ask(XS_INTRODUCE, z("6") + z("1048572") + z("1")),
              answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(toolstack.ask(XS_INTRODUCE, z("5") + z("1048572") + z("1")),
              answer(XS_INTRODUCE, "OK|"));
    ASSERT_NE(store.find(5), nullptr);
    EXPECT_TRUE(store.find(5)->watches.empty());
    EXPECT_EQ(toolstack.ask(XS_RESUME, z("5")), answer(XS_RESUME, "OK|"));
}

TEST_F(StoreTest, VisitorsAreBounded) {
    store.visitor(0).input = "half a message";
    for (u32 number = 1; number < Store::most_visitors; number++)
        store.visitor(number);
    EXPECT_EQ(store.visitor(0).input, "half a message");
    store.visitor(Store::most_visitors);
    EXPECT_EQ(store.visitor(0).input, "");
}

TEST_F(StoreTest, OnlyDom0AsksForControl) {
    Client guest{store, 5}, toolstack{store, 0};
    EXPECT_EQ(guest.ask(XS_CONTROL, z("help")), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(toolstack.ask(XS_CONTROL, z("help")), answer(XS_CONTROL, "help quota|"));
    EXPECT_NE(toolstack.ask(XS_CONTROL, z("quota")).find("entries: 1000\n"), std::string::npos);
    EXPECT_EQ(toolstack.ask(XS_CONTROL, z("explode")), answer(XS_ERROR, "EINVAL|"));
}

TEST_F(StoreTest, RefusesWhatIsNoRequest) {
    Client guest{store, 5};
    EXPECT_EQ(guest.ask(XS_WATCH, z("name")), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(guest.ask(XS_WRITE, "name"), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(guest.ask(XS_READ, ""), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(guest.ask(4711, z("name")), answer(XS_ERROR, "ENOSYS|"));
    EXPECT_EQ(guest.ask(XS_GET_DOMAIN_PATH, z("99999")), answer(XS_ERROR, "EINVAL|"));
}

/// Where a stranger may not look, what is missing and what is there are one to it.
TEST_F(StoreTest, HidesWhatIsNotThere) {
    Client stranger{store, 6};
    for (const char* path : {"device", "nothing", "nothing/at/all"})
        EXPECT_EQ(stranger.ask(XS_READ, z("/local/domain/5/"s + path)),
                  answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(stranger.ask(XS_READ, z("/nothing")), answer(XS_ERROR, "ENOENT|"));
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
              answer(XS_ERROR, "ENOSPC|"));
    for (int i = 0; i < 200; i++) {
        last = guest.ask(XS_WATCH, z("device") + z("t" + std::to_string(i)));
        guest.link().output.clear();
    }
    EXPECT_EQ(last, answer(XS_ERROR, "E2BIG|"));
}

TEST_F(StoreTest, GuestCannotMakeThePathsTooDeep) {
    Client guest{store, 5};
    std::string path = "/local/domain/5/device";
    for (long steps = 4; steps < deepest_path; steps++)
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
    EXPECT_EQ(guest.ask(XS_SET_PERMS, z("name") + z("b5")), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(guest.ask(XS_SET_PERMS, z("device") + z("b6")), answer(XS_ERROR, "EPERM|"));
    EXPECT_EQ(guest.ask(XS_SET_PERMS, z("device") + z("x5")), answer(XS_ERROR, "EINVAL|"));
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

TEST_F(StoreTest, RingThatRunsAwayIsNotReadAgain) {
    for (bool is_request : {true, false}) {
        Client guest{store, 5};
        xenstore_domain_interface ring = {};
        (is_request ? ring.req_prod : ring.rsp_cons) = XENSTORE_RING_SIZE + 1;
        EXPECT_FALSE(pump(store, guest.link(), ring));
        EXPECT_EQ(ring.error, u32{XENSTORE_ERROR_RINGIDX});
        ring = {};
        ring.req_prod = 16;
        EXPECT_FALSE(pump(store, guest.link(), ring));
        EXPECT_EQ(ring.req_cons, 0u);
    }
}

/// Requests of every kind with odd texts, from a guest that means no good.
TEST_F(StoreTest, GuestCannotWedgeIt) {
    std::mt19937 die{7};
    Client stranger{store, 6}, guest{store, 5};
    const std::vector<std::string> odd = {
        "", "/", "//", "name", "/local/domain/5/name", "/local/domain/5", "device", "a",
        "@releaseDomain", "T", "F", "5", "0", "n0", "b6", "r99999", std::string(3000, '/'),
        "/" + std::string(2999, 'a'), std::string(40, '\0'), "\xff\x80", "-1", "4294967296"};
    for (int i = 0; i < 20'000; i++) {
        std::string payload;
        for (u32 texts = die() % 4; texts > 0; texts--)
            payload += odd[die() % odd.size()] + (die() % 8 != 0 ? "\0"s : ""s);
        stranger.send(die() % (XS_TYPE_COUNT + 2), payload.substr(0, XENSTORE_PAYLOAD_MAX),
                      die() % 3 != 0 ? 0 : die() % 16);
        stranger.link().output.clear();
    }
    EXPECT_FALSE(stranger.link().broken);
    EXPECT_EQ(store.read("/local/domain/5/name"), "linux");
    EXPECT_EQ(guest.ask(XS_READ, z("name")), answer(XS_READ, "linux"));
    EXPECT_EQ(guest.next(), "nothing");
}

}  // namespace

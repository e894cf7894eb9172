// The store with a guest at its door that never stops: what it takes, and that others are served.
#include "store_clients.hpp"

#include <random>

namespace {

using namespace store_clients;

/// Two guests at their rings: one is served in turn with the other, whatever that one does.
class HostileRing : public StoreTest {
protected:
    /// One turn of dom0's at both rings, in which the honest guest asks for its name.
    void take_a_turn() {
        pump(store, hostile.link(), wild);
        xsd_sockmsg header = {XS_READ, 1, 0, 5};
        std::string request{reinterpret_cast<const char*>(&header), sizeof header};
        request += z("name");
        ASSERT_EQ(ring_put(ring.req, ring.req_prod, ring.req_cons, request), request.size());
        ASSERT_TRUE(pump(store, honest.link(), ring));
        char bytes[XENSTORE_RING_SIZE];
        size_t heard = ring_get(ring.rsp, ring.rsp_prod, ring.rsp_cons, bytes);
        ASSERT_EQ((std::string_view{bytes, heard}.substr(sizeof header)), "linux");
        ASSERT_LE(hostile.link().input.size(), most_input);
        ASSERT_LE(hostile.link().output.size(), most_output);
    }
    /// Sends it, if there is room for all of it.
    void put(const std::string& bytes) {
        if (wild.req_prod - wild.req_cons + bytes.size() <= XENSTORE_RING_SIZE)
            ring_put(wild.req, wild.req_prod, wild.req_cons, bytes);
    }

    /// A message that is not whole yet, with one ring's fill behind it; what is said of one request
    /// more than there was room for.
    static constexpr size_t most_input =
        sizeof(xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + XENSTORE_RING_SIZE;
    static constexpr size_t most_output =
        Connection::most_output + sizeof(xsd_sockmsg) + XENSTORE_PAYLOAD_MAX;

    Client honest{store, 5}, hostile{store, 6};
    xenstore_domain_interface ring = {}, wild = {};
    std::mt19937 die{11};
};

TEST_F(HostileRing, OfNoiseIsGivenUp) {
    for (int life = 0; life < 200; life++) {
        Client fresh{store, 6};
        wild = {};
        for (int turn = 0; turn < 8; turn++) {
            for (char& byte : wild.req)
                byte = char(die());
            wild.req_prod = wild.req_cons + die() % (XENSTORE_RING_SIZE + 1);
            if (die() % 4 == 0) wild.req_prod = die();
            wild.rsp_cons = die() % 4 != 0 ? wild.rsp_prod : die();
            pump(store, fresh.link(), wild);
            ASSERT_LE(fresh.link().input.size(), most_input);
        }
        ASSERT_TRUE(fresh.link().broken) << "nothing of this was a message";
    }
    Client again{store, 5};
    EXPECT_EQ(again.ask(XS_READ, z("name")), answer(XS_READ, "linux"));
}

TEST_F(HostileRing, OfRequestsWhoseAnswersNobodyReads) {
    xsd_sockmsg header = {XS_DIRECTORY, 1, 0, 17};
    std::string request{reinterpret_cast<const char*>(&header), sizeof header};
    request += z("/local/domain/5X");
    for (int turn = 0; turn < 5000; turn++) {
        put(request);
        take_a_turn();
    }
    EXPECT_FALSE(hostile.link().broken) << "slow is not wicked: it waits for room";
    // When it reads again, it goes on where it was
    char bytes[XENSTORE_RING_SIZE];
    size_t heard = 0;
    for (size_t now = 1; now > 0; heard += now) {
        now = ring_get(wild.rsp, wild.rsp_prod, wild.rsp_cons, bytes);
        pump(store, hostile.link(), wild);
    }
    EXPECT_GT(heard, Connection::most_output);
}

TEST_F(HostileRing, OfAMessageThatNeverEnds) {
    xsd_sockmsg header = {XS_WRITE, 1, 0, XENSTORE_PAYLOAD_MAX};
    put({reinterpret_cast<const char*>(&header), sizeof header});
    for (int turn = 0; turn < 20; turn++) {
        put("a");
        take_a_turn();
    }
}

/// All the watches that one may have, each of which hears of every change, and is never read.
TEST_F(HostileRing, OfWatchesByTheThousand) {
    store.write("/tool", "");
    for (int number = 0; number < 4000; number++) {
        std::string payload = z("/tool") + z("token-" + std::to_string(number));
        xsd_sockmsg header = {XS_WATCH, 1, 0, u32(payload.size())};
        put(std::string{reinterpret_cast<const char*>(&header), sizeof header} + payload);
        take_a_turn();
        char bytes[XENSTORE_RING_SIZE];
        ring_get(wild.rsp, wild.rsp_prod, wild.rsp_cons, bytes);
    }
    EXPECT_EQ(hostile.link().watches.size(), Connection::most_watches);
    for (int number = 0; number < 4000; number++) {
        store.write("/tool/" + std::to_string(number), "");
        ASSERT_LE(hostile.link().events.size(), Connection::most_events);
        if (number % 16 == 0) take_a_turn();
    }
    EXPECT_TRUE(hostile.link().broken) << "it has long stopped to listen";
    take_a_turn();
    EXPECT_EQ(wild.error, u32{XENSTORE_ERROR_PROTO});
}

TEST_F(HostileRing, OfPathsTooLongTooDeepAndNotItsOwn) {
    const std::string home = "/local/domain/6/";
    store.write("/local/domain/6", "");
    store.set_permissions("/local/domain/6", {{6, false, false}});
    // A relative path is as long as the absolute one that it stands for
    const std::string fits(longest_path - home.size(), 'a');
    EXPECT_EQ(hostile.ask(XS_MKDIR, z(fits)), answer(XS_MKDIR, "OK|"));
    EXPECT_EQ(hostile.ask(XS_MKDIR, z(fits + "a")), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(hostile.ask(XS_WATCH, z(fits + "a") + z("t")), answer(XS_ERROR, "EINVAL|"));
    std::string deep = "a";
    for (long steps = 4; steps <= deepest_path; steps++)
        deep += "/a";
    EXPECT_EQ(hostile.ask(XS_WRITE, z(deep) + "1"), answer(XS_ERROR, "ENOSPC|"));
    EXPECT_EQ(hostile.ask(XS_WATCH, z("a") + z(std::string(Connection::longest_token + 1, 't'))),
              answer(XS_ERROR, "EINVAL|"));
    for (u32 type : {XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_MKDIR, XS_RM})
        EXPECT_EQ(hostile.ask(type, z("/local/domain/5/device/x")), answer(XS_ERROR, "EACCES|"))
            << type;
    for (u32 type : {XS_INTRODUCE, XS_RELEASE, XS_RESUME, XS_SET_TARGET, XS_CONTROL})
        EXPECT_EQ(hostile.ask(type, z("6") + z("5") + z("1")), answer(XS_ERROR, "EACCES|")) << type;
}

}  // namespace

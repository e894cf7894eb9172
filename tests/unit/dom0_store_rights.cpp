// The store: rights that dom0 gives beyond an entry's own, to act for another guest, and to hear of
// comings and goings.
#include "store_clients.hpp"

namespace {

using namespace store_clients;

class StoreRights : public StoreTest {
protected:
    /// The guest 6 acts for the guest 5.
    void set_target() {
        ASSERT_EQ(toolstack.ask(XS_SET_TARGET, z("6") + z("5")), answer(XS_SET_TARGET, "OK|"));
    }
    /// What a client hears of comings and goings, after it has begun to watch for both.
    void watch_both(Client& client) {
        for (const char* name : {"@introduceDomain", "@releaseDomain"}) {
            EXPECT_EQ(client.ask(XS_WATCH, z(name) + z("t")), answer(XS_WATCH, "OK|"));
            EXPECT_EQ(client.next(), answer(XS_WATCH_EVENT, name + "|t|"s));
        }
    }
    static std::string event(const std::string& name) {
        return answer(XS_WATCH_EVENT, name + "|t|");
    }

    Client guest{store, 5}, model{store, 6}, toolstack{store, 0};
};

TEST_F(StoreRights, WhoActsForAGuestMayWhatItMay) {
    guest.ask(XS_WRITE, z("device/vif/0/state") + "1");
    store.write("/tool/for-five", "x");
    store.set_permissions("/tool/for-five", {{0, false, false}, {5, true, false}});
    const std::string state = z("/local/domain/5/device/vif/0/state");
    EXPECT_EQ(model.ask(XS_READ, state), answer(XS_ERROR, "EACCES|"));
    set_target();
    EXPECT_EQ(model.ask(XS_READ, state), answer(XS_READ, "1"));
    EXPECT_EQ(model.ask(XS_WRITE, state + "2"), answer(XS_WRITE, "OK|"));
    EXPECT_EQ(model.ask(XS_READ, z("/tool/for-five")), answer(XS_READ, "x"));
    EXPECT_EQ(model.ask(XS_WRITE, z("/tool/for-five") + "y"), answer(XS_ERROR, "EACCES|"));
    // Its paths are still its own, and the guest may nothing that it may
    EXPECT_EQ(model.ask(XS_READ, z("name")), answer(XS_ERROR, "ENOENT|"));
    store.write("/local/domain/6", "");
    store.set_permissions("/local/domain/6", {{6, false, false}});
    EXPECT_EQ(guest.ask(XS_READ, z("/local/domain/6")), answer(XS_ERROR, "EACCES|"));
}

TEST_F(StoreRights, WhatIsMadeForAGuestIsOnesOwn) {
    set_target();
    EXPECT_EQ(model.ask(XS_WRITE, z("/local/domain/5/device/vkbd/0") + "1"),
              answer(XS_WRITE, "OK|"));
    EXPECT_EQ(model.ask(XS_GET_PERMS, z("/local/domain/5/device/vkbd/0")),
              answer(XS_GET_PERMS, "n6|"));
    // It may share what is the guest's, and not take it
    EXPECT_EQ(model.ask(XS_SET_PERMS, z("/local/domain/5/device") + z("n5") + z("r7")),
              answer(XS_SET_PERMS, "OK|"));
    EXPECT_EQ(model.ask(XS_SET_PERMS, z("/local/domain/5/device") + z("n6")),
              answer(XS_ERROR, "EPERM|"));
}

TEST_F(StoreRights, WhoActsForAGuestHearsWhatItHears) {
    model.ask(XS_WATCH, z("/local/domain/5/device") + z("t"));
    model.next();
    guest.ask(XS_WRITE, z("device/secret") + "1");
    EXPECT_EQ(model.next(), "nothing");
    set_target();
    guest.ask(XS_WRITE, z("device/secret") + "2");
    EXPECT_EQ(model.next(), event("/local/domain/5/device/secret"));
}

TEST_F(StoreRights, OnlyDom0SaysWhoActsForWhom) {
    EXPECT_EQ(model.ask(XS_SET_TARGET, z("6") + z("5")), answer(XS_ERROR, "EACCES|"));
    for (const auto& [pair, error] : {std::pair{z("6") + z("9"), "ENOENT|"},
                                      {z("9") + z("5"), "ENOENT|"},
                                      {z("6") + z("0"), "ENOENT|"},
                                      {z("6") + z("32768"), "EINVAL|"},
                                      {z("6"), "EINVAL|"}})
        EXPECT_EQ(toolstack.ask(XS_SET_TARGET, pair), answer(XS_ERROR, error)) << pair;
}

/// A number is used again: whoever gets it next has nobody who acts in its name.
TEST_F(StoreRights, ActingEndsWithTheGuest) {
    const std::string secret = "/local/domain/5/device/secret";
    for (bool is_released : {true, false}) {
        set_target();
        if (is_released) {
            toolstack.ask(XS_RELEASE, z("5"));
            toolstack.ask(XS_INTRODUCE, z("5") + z("1048572") + z("1"));
        } else {
            store.disconnect(5);
            store.connect(5);
        }
        store.write(secret, "new");
        store.set_permissions(secret, {{5, false, false}});
        EXPECT_EQ(model.ask(XS_READ, z(secret)), answer(XS_ERROR, "EACCES|"));
    }
}

TEST_F(StoreRights, ComingsAndGoingsAreHeardByWhomDom0Lets) {
    watch_both(guest);
    EXPECT_EQ(toolstack.ask(XS_SET_PERMS, z("@releaseDomain") + z("n0") + z("r5")),
              answer(XS_SET_PERMS, "OK|"));
    EXPECT_EQ(guest.next(), "nothing") << "of itself this is no event";
    store.connect(7);
    EXPECT_EQ(guest.next(), "nothing");
    store.disconnect(7);
    EXPECT_EQ(guest.next(), event("@releaseDomain"));
    toolstack.ask(XS_SET_PERMS, z("@releaseDomain") + z("n0"));
    toolstack.ask(XS_SET_PERMS, z("@introduceDomain") + z("r0"));
    store.connect(7);
    EXPECT_EQ(guest.next(), event("@introduceDomain"));
    store.disconnect(7);
    EXPECT_EQ(guest.next(), "nothing");
}

TEST_F(StoreRights, WhoHearsIsTheOwnersToSay) {
    const std::string name = z("@introduceDomain");
    EXPECT_EQ(guest.ask(XS_SET_PERMS, name + z("n0") + z("r5")), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(toolstack.ask(XS_SET_PERMS, name + z("n5")), answer(XS_SET_PERMS, "OK|"));
    EXPECT_EQ(model.ask(XS_SET_PERMS, name + z("b6")), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(guest.ask(XS_SET_PERMS, name + z("n5") + z("r6")), answer(XS_SET_PERMS, "OK|"));
    watch_both(model);
    store.connect(7);
    EXPECT_EQ(model.next(), event("@introduceDomain"));
    // With the owner its word goes, too
    store.disconnect(5);
    EXPECT_EQ(model.ask(XS_SET_PERMS, name + z("b6")), answer(XS_ERROR, "EACCES|"));
    toolstack.ask(XS_SET_PERMS, name + z("n0") + z("r6"));
    store.disconnect(6);
    Client next{store, 6};
    watch_both(next);
    store.connect(8);
    EXPECT_EQ(next.next(), "nothing") << "a number that is used again";
}

TEST_F(StoreRights, OtherSpecialNamesAreNeverHeardOf) {
    EXPECT_EQ(toolstack.ask(XS_SET_PERMS, z("@other") + z("n0")), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(toolstack.ask(XS_SET_PERMS, z("@releaseDomain") + z("n0") + z("r1") + z("r2") +
                                              z("r3") + z("r4") + z("r5")),
              answer(XS_ERROR, "ENOSPC|"));
    EXPECT_EQ(guest.ask(XS_WATCH, z("@other") + z("t")), answer(XS_WATCH, "OK|"));
    EXPECT_EQ(guest.next(), event("@other"));
    EXPECT_EQ(guest.ask(XS_WATCH, z("@" + std::string(2047, 'a')) + z("t")),
              answer(XS_WATCH, "OK|"));
    EXPECT_EQ(guest.ask(XS_WATCH, z("@" + std::string(2048, 'a')) + z("t")).substr(0, 2),
              std::to_string(XS_WATCH_EVENT));
    EXPECT_EQ(guest.next(), answer(XS_ERROR, "EINVAL|"));
    for (u32 type : {XS_READ, XS_MKDIR, XS_RM, XS_GET_PERMS})
        EXPECT_EQ(toolstack.ask(type, z("@releaseDomain")), answer(XS_ERROR, "EINVAL|")) << type;
}

TEST_F(StoreRights, ACrashIsHeardOfWhileTheGuestIsKept) {
    watch_both(toolstack);
    store.crashed();
    EXPECT_EQ(toolstack.next(), event("@releaseDomain"));
    EXPECT_NE(store.find(5), nullptr);
}

}  // namespace

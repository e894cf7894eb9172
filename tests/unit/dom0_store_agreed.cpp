// The store's transactions: seen from inside, from outside, and by whoever lost the race.
#include "store_clients.hpp"

#include <map>
#include <random>

namespace {

using namespace store_clients;

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
    EXPECT_EQ(guest.ask(XS_READ, z("name"), 1), answer(XS_READ, "linux"));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/a") + "1", 1), answer(XS_WRITE, "OK|"));
    store.write("/local/domain/5/name", "other");
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_ERROR, "EAGAIN|"));
    EXPECT_FALSE(store.read("/local/domain/5/device/a"));
}

TEST_F(StoreTest, TransactionThatTouchedOtherEntriesHasLostNothing) {
    Client guest{store, 5};
    guest.ask(XS_TRANSACTION_START, z(""));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/a") + "1", 1), answer(XS_WRITE, "OK|"));
    store.write("/local/domain/5/name", "other");
    store.write("/local/domain/5/device/b", "2");
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_TRANSACTION_END, "OK|"));
    EXPECT_EQ(store.read("/local/domain/5/device/a"), "1");
    EXPECT_EQ(store.read("/local/domain/5/device/b"), "2");
    EXPECT_EQ(store.read("/local/domain/5/name"), "other");
}

TEST_F(StoreTest, TransactionSeesTheTreeAsItWas) {
    Client guest{store, 5};
    guest.ask(XS_TRANSACTION_START, z(""));
    store.write("/local/domain/5/name", "other");
    EXPECT_EQ(guest.ask(XS_READ, z("name"), 1), answer(XS_READ, "linux"));
    EXPECT_EQ(guest.ask(XS_READ, z("name")), answer(XS_READ, "other"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("F"), 1), answer(XS_TRANSACTION_END, "OK|"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("F"), 1), answer(XS_ERROR, "ENOENT|"));
}

TEST_F(StoreTest, TransactionRemovesAndMakesAnew) {
    Client guest{store, 5};
    store.write("/local/domain/5/device/vif/0", "old");
    guest.ask(XS_TRANSACTION_START, z(""));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/vif/1") + "lost", 1), answer(XS_WRITE, "OK|"));
    EXPECT_EQ(guest.ask(XS_RM, z("device"), 1), answer(XS_RM, "OK|"));
    EXPECT_EQ(guest.ask(XS_WRITE, z("device/vif/2") + "new", 1), answer(XS_ERROR, "EACCES|"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_TRANSACTION_END, "OK|"));
    EXPECT_FALSE(store.read("/local/domain/5/device"));

    Client toolstack{store, 0};
    store.write("/tool/a/b", "old");
    toolstack.ask(XS_TRANSACTION_START, z(""));
    toolstack.ask(XS_RM, z("/tool"), 1);
    toolstack.ask(XS_WRITE, z("/tool/c") + "new", 1);
    EXPECT_EQ(toolstack.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_TRANSACTION_END, "OK|"));
    EXPECT_FALSE(store.read("/tool/a"));
    EXPECT_EQ(store.read("/tool/c"), "new");
}

TEST_F(StoreTest, TransactionsAreNotNestedAndAreFew) {
    Client guest{store, 5};
    guest.ask(XS_TRANSACTION_START, z(""));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_START, z(""), 1), answer(XS_ERROR, "EBUSY|"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("perhaps"), 1), answer(XS_ERROR, "EINVAL|"));
    EXPECT_EQ(guest.ask(XS_READ, z("name"), 77), answer(XS_ERROR, "ENOENT|"));
    for (size_t open = 1; open < Connection::most_transactions; open++)
        guest.ask(XS_TRANSACTION_START, z(""));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_START, z("")), answer(XS_ERROR, "ENOSPC|"));
    EXPECT_EQ(guest.ask(XS_RESET_WATCHES, ""), answer(XS_RESET_WATCHES, "OK|"));
    EXPECT_EQ(guest.ask(XS_READ, z("name"), 1), answer(XS_ERROR, "ENOENT|"));
}

TEST_F(StoreTest, TransactionRemembersSoMuchAndNoMore) {
    Client guest{store, 5};
    guest.ask(XS_TRANSACTION_START, z(""));
    std::string last;
    for (int i = 0; i < 50; i++)
        last = guest.ask(XS_READ, z("/" + std::string(3000, 'a') + std::to_string(i)), 1);
    EXPECT_EQ(last, answer(XS_ERROR, "ENOSPC|"));
    EXPECT_EQ(guest.ask(XS_TRANSACTION_END, z("T"), 1), answer(XS_TRANSACTION_END, "OK|"));
}

/// Random requests in transactions, with changes by others between: what was agreed came true as a
/// whole, and the rest not at all.
TEST_F(StoreTest, CommittedTransactionsAreAsIfAlone) {
    std::mt19937 die{1};
    auto below = [&](unsigned bound) { return die() % bound; };
    Client guest{store, 5};
    for (int round = 0; round < 500; round++) {
        std::string started = guest.ask(XS_TRANSACTION_START, z(""));
        u32 id = u32(std::stoul(started.substr(2)));
        std::map<std::string, std::optional<std::string>> wish, before;
        bool disturbed = false;
        for (unsigned step = below(5) + 1; step > 0; step--) {
            std::string leaf = "device/" + std::string(1, char('a' + below(4)));
            std::string path = "/local/domain/5/" + leaf, value = std::to_string(die());
            if (below(3) == 0) {
                guest.ask(XS_RM, z(leaf), id);
                wish[path] = {};
            } else {
                guest.ask(XS_WRITE, z(leaf) + value, id);
                wish[path] = value;
            }
            if (below(4) != 0) continue;
            std::string other = "/local/domain/5/device/" + std::string(1, char('a' + below(4)));
            store.write(other, "theirs");
            before[other] = "theirs";
        }
        for (auto& [path, value] : wish)
            disturbed |= before.contains(path);
        for (auto& [path, value] : wish)
            before[path] = store.read(path);
        std::string ended = guest.ask(XS_TRANSACTION_END, z("T"), id);
        if (disturbed) {
            EXPECT_EQ(ended, answer(XS_ERROR, "EAGAIN|"));
        }
        bool came_true = ended == answer(XS_TRANSACTION_END, "OK|");
        for (auto& [path, value] : wish)
            EXPECT_EQ(store.read(path), came_true ? value : before[path]) << path;
    }
}

}  // namespace

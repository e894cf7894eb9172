// The store's client in a guest: beside dom0's own store, and before one that breaks every rule.
#include "store_clients.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace {

using namespace kit;
using namespace std::literals;
using store_clients::House;

class KitStore : public testing::Test {
protected:
    void SetUp() override {
        house.move_in(1);
        house.move_in(2);
    }
    House house;
};

TEST_F(KitStore, EntriesAreWrittenReadListedAndRemoved) {
    auto& client = house.client(1);
    EXPECT_EQ(client.write("name", "mine").error().code, Errno::XEN_EACCES);
    ASSERT_TRUE(client.write("device/a", "some text\0and more"sv).ok());
    ASSERT_TRUE(client.write("/local/domain/1/device/b", "").ok());
    EXPECT_EQ(client.read("device/a").value_or(""), "some text\0and more"sv);
    EXPECT_EQ(client.directory("device").value_or({}), (std::vector{"a"s, "b"s}));
    ASSERT_TRUE(client.remove("device/a").ok());
    EXPECT_EQ(client.read("device/a").error().code, Errno::XEN_ENOENT);
    EXPECT_EQ(client.read("/local/domain/2/device").error().code, Errno::XEN_EACCES);
    EXPECT_EQ(client.read("not//well made").error().code, Errno::XEN_EINVAL);
    EXPECT_EQ(client.write("device/c", std::string(5000, 'x')).error().code, Errno::XEN_E2BIG);
}

TEST_F(KitStore, AnswersLongerThanTheRingArrive) {
    auto& client = house.client(1);
    for (int i = 0; i < 300; i++)
        ASSERT_TRUE(client.write("device/entry-" + std::to_string(i), "").ok());
    EXPECT_EQ(client.directory("device").value_or({}).size(), 300u);
    const std::string value(2000, 'v');
    ASSERT_TRUE(client.write("device/long", value).ok());
    EXPECT_EQ(client.read("device/long").value_or(""), value);
}

TEST_F(KitStore, TransactionIsSeenAsAWholeOrNotAtAll) {
    auto& client = house.client(1);
    const auto first = client.begin();
    ASSERT_TRUE(first.ok());
    ASSERT_TRUE(client.write("device/a", "1", *first).ok());
    EXPECT_EQ(client.read("device/a").error().code, Errno::XEN_ENOENT);
    ASSERT_TRUE(client.commit(*first).ok());
    EXPECT_EQ(client.read("device/a").value_or(""), "1");

    const auto late = client.begin();
    EXPECT_EQ(client.read("device/a", *late).value_or(""), "1");
    house.store.write("/local/domain/1/device/a", "theirs");
    ASSERT_TRUE(client.write("device/a", "2", *late).ok());
    EXPECT_EQ(client.commit(*late).error().code, Errno::XEN_EAGAIN);
    const auto dropped = client.begin();
    ASSERT_TRUE(client.remove("device/a", *dropped).ok());
    ASSERT_TRUE(client.give_up(*dropped).ok());
    EXPECT_EQ(client.read("device/a").value_or(""), "theirs");
    EXPECT_EQ(client.commit(77).error().code, Errno::XEN_ENOENT);
}

TEST_F(KitStore, NewsOfOneWatchAreOneHoweverMany) {
    auto& client = house.client(1);
    ASSERT_TRUE(client.watch("device", "mine").ok());
    ASSERT_TRUE(client.wait_for_news().ok());
    EXPECT_EQ(client.news().value_or(""), "mine") << "the first comes at once";
    EXPECT_FALSE(client.news());
    for (int i = 0; i < 500; i++) {
        house.store.write("/local/domain/1/device/" + std::to_string(i), "");
        house.serve();
        (void)client.read("device");
    }
    EXPECT_EQ(client.news().value_or(""), "mine");
    house.serve();
    ASSERT_TRUE(client.unwatch("device", "mine").ok());
    EXPECT_FALSE(client.news());
    EXPECT_EQ(client.unwatch("device", "mine").error().code, Errno::XEN_ENOENT);
}

// A store that lies

/// The far end of a client's ring, which does what a test tells it whenever it is rung.
struct Liar final : Bell {
    xenstore_domain_interface page = {};
    std::string answer; // laid down, as far as it fits, when we are rung
    void ring() override {
        page.req_cons = page.req_prod;
        const size_t put = ring_put(page.rsp, page.rsp_prod, page.rsp_cons, answer);
        answer.erase(0, put);
    }
    void wait() override { throw std::logic_error{"there is nothing to wait for"}; }
};

std::string message(u32 type, u32 request, std::string_view payload) {
    const xsd_sockmsg header = {type, request, 0, u32(payload.size())};
    return std::string{reinterpret_cast<const char*>(&header), sizeof header}.append(payload);
}

void expect_broken_by(const std::string& answer) {
    Liar liar;
    StoreClient client{liar.page, liar};
    liar.answer = answer;
    EXPECT_EQ(client.read("device").error().code, Errno::XEN_EIO);
    EXPECT_EQ(client.read("device").error().code, Errno::XEN_EIO) << "for good";
    EXPECT_FALSE(client.news());
    EXPECT_EQ(client.wait_for_news().error().code, Errno::XEN_EIO);
}

TEST(KitStoreLied, AnswersThatBreakTheRulesEndTheClient) {
    expect_broken_by(message(XS_READ, 2, "another's"));
    expect_broken_by(message(XS_WRITE, 1, "of another kind"));
    expect_broken_by(message(XS_WATCH_EVENT, 0, "no token\0"sv));
    xsd_sockmsg huge = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    expect_broken_by({reinterpret_cast<const char*>(&huge), sizeof huge});
}

TEST(KitStoreLied, ErrorsThatItDoesNotKnowAreOnlyErrors) {
    Liar liar;
    StoreClient client{liar.page, liar};
    liar.answer = message(XS_ERROR, 1, "EWEIRD\0"sv) + message(XS_ERROR, 2, "");
    EXPECT_EQ(client.read("device").error().code, Errno::XEN_EINVAL);
    EXPECT_EQ(client.read("device").error().code, Errno::XEN_EINVAL);
}

TEST(KitStoreLied, AnAnswerWithoutAQuestionEndsTheClient) {
    Liar liar;
    StoreClient client{liar.page, liar};
    liar.answer = message(XS_READ, 1, "unasked");
    liar.ring();
    EXPECT_FALSE(client.news());
    EXPECT_EQ(client.read("device").error().code, Errno::XEN_EIO);
}

/// Also where the ring's last bytes would make a good answer.
TEST(KitStoreLied, IndicesThatRunAwayEndTheClient) {
    const std::string good = message(XS_WATCH_EVENT, 0, "path\0token\0"sv);
    for (u32 ahead : {XENSTORE_RING_SIZE + 1u, 1u << 31, ~0u}) {
        Liar liar;
        StoreClient client{liar.page, liar};
        liar.page.rsp_prod = liar.page.rsp_cons + ahead;
        for (u32 i = 0; i < good.size(); i++)
            liar.page.rsp[MASK_XENSTORE_IDX(ahead - XENSTORE_RING_SIZE + i)] = good[i];
        EXPECT_FALSE(client.news());
        EXPECT_EQ(client.wait_for_news().error().code, Errno::XEN_EIO) << ahead;
        Liar other;
        StoreClient asking{other.page, other};
        other.page.req_cons = 0 - ahead;
        EXPECT_EQ(asking.read("device").error().code, Errno::XEN_EIO) << ahead;
    }
}

/// Whatever bytes come, and wherever the indices point.
TEST(KitStoreLied, RandomBytesNeverLeadOutside) {
    std::mt19937 die{5};
    for (int round = 0; round < 3'000; round++) {
        Liar liar;
        liar.page.rsp_prod = liar.page.rsp_cons = u32(die());
        liar.page.req_prod = liar.page.req_cons = u32(die());
        StoreClient client{liar.page, liar};
        for (int i = 0; i < 5; i++) {
            std::string payload(die() % 40, '\0');
            for (char& each : payload)
                each = char(die() % 4 == 0 ? 0 : die());
            const u32 types[] = {XS_READ, XS_WATCH_EVENT, XS_ERROR, u32(die())};
            liar.answer += message(types[die() % 4], 1 + die() % 2, payload);
        }
        liar.answer += message(XS_READ, 99, ""); // which ends it, at the latest
        for (int i = 0; i < 8; i++)
            (void)client.read("device");
        for (int i = 0; i < 8; i++)
            (void)client.news();
        EXPECT_EQ(client.read("device").error().code, Errno::XEN_EIO);
    }
}

}  // namespace

// The ring of requests and responses: beside Xen's own macros, between threads, and from ends that
// lie.
#include <kit/ring.hpp>

#include <gtest/gtest.h>
#include <random>
#include <thread>

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() xen_mb()
#define xen_rmb() xen_mb()
#include <xen/io/ring.h>

namespace {

using namespace kit;

struct Ask {
    u64 number;
    u8 more[24];
};
struct Told {
    u64 number;
    int status;
};
using Page = RingPage<Ask, Told>;

DEFINE_RING_TYPES(xen, Ask, Told);

TEST(KitRing, IsLaidOutAsXensOwn) {
    EXPECT_EQ(offsetof(Page, req_prod), offsetof(xen_sring, req_prod));
    EXPECT_EQ(offsetof(Page, req_event), offsetof(xen_sring, req_event));
    EXPECT_EQ(offsetof(Page, rsp_prod), offsetof(xen_sring, rsp_prod));
    EXPECT_EQ(offsetof(Page, rsp_event), offsetof(xen_sring, rsp_event));
    EXPECT_EQ(offsetof(Page, slots), offsetof(xen_sring, ring));
    EXPECT_EQ(Page::size, __CONST_RING_SIZE(xen, page_size));
    EXPECT_LE(sizeof(Page), page_size);
}

TEST(KitRing, SpeaksToXensOwnBack) {
    alignas(page_size) Page page;
    page.clear();
    FrontRing<Ask, Told> front{page};
    xen_back_ring back;
    BACK_RING_INIT(&back, reinterpret_cast<xen_sring*>(&page), page_size);
    for (u64 i = 0; i < 1000; i++) {
        ASSERT_TRUE(front.put({i, {}}));
        EXPECT_TRUE(front.push());
        int more;
        Ask ask = *RING_GET_REQUEST(&back, back.req_cons);
        back.req_cons++;
        RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
        EXPECT_FALSE(more);
        *RING_GET_RESPONSE(&back, back.rsp_prod_pvt) = {ask.number * 2, 0};
        back.rsp_prod_pvt++;
        int ring_the_bell;
        RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, ring_the_bell);
        EXPECT_TRUE(ring_the_bell);
        auto told = front.take();
        ASSERT_TRUE(told.ok() && *told);
        EXPECT_EQ((*told)->number, i * 2);
        EXPECT_FALSE(front.wants_no_sleep());
    }
}

TEST(KitRing, TakesAsManyAsFit) {
    Page page;
    page.clear();
    FrontRing<Ask, Told> front{page};
    BackRing<Ask, Told> back{page};
    for (u32 i = 0; i < Page::size; i++)
        EXPECT_TRUE(front.put({i, {}}));
    EXPECT_FALSE(front.put({99, {}}));
    EXPECT_FALSE(*back.take()) << "not shown yet";
    front.push();
    EXPECT_FALSE(back.put({0, 0})) << "none was taken";
    ASSERT_TRUE(*back.take());
    EXPECT_TRUE(back.put({0, 0}));
    back.push();
    EXPECT_EQ(front.unanswered(), Page::size);
    ASSERT_TRUE(*front.take());
    EXPECT_TRUE(front.put({99, {}}));
}

TEST(KitRing, BellIsAskedForOnce) {
    Page page;
    page.clear();
    FrontRing<Ask, Told> front{page};
    BackRing<Ask, Told> back{page};
    front.put({1, {}});
    EXPECT_TRUE(front.push());
    front.put({2, {}});
    EXPECT_FALSE(front.push()) << "the back has not looked yet";
    while (*back.take())
        continue;
    EXPECT_FALSE(back.wants_no_sleep());
    front.put({3, {}});
    EXPECT_TRUE(front.push());
    EXPECT_TRUE(back.wants_no_sleep());
}

/// Whatever the other end writes into the page, no index leads out of it, and nobody gets more
/// answers than questions.
TEST(KitRing, BoundsALiar) {
    std::mt19937 die{3};
    for (int round = 0; round < 20'000; round++) {
        Page page;
        page.clear();
        FrontRing<Ask, Told> front{page};
        BackRing<Ask, Told> back{page};
        const u32 asked = die() % (Page::size + 1);
        for (u32 i = 0; i < asked; i++)
            front.put({i, {}});
        front.push();
        for (u32* index : {&page.req_prod, &page.req_event, &page.rsp_prod, &page.rsp_event})
            if (die() % 2 == 0) *index = die() % 3 == 0 ? u32(die()) : die() % (2 * Page::size);
        u32 answers = 0, questions = 0;
        for (auto told = front.take(); told.ok() && *told; told = front.take())
            answers++;
        EXPECT_LE(answers, asked);
        for (auto ask = back.take(); ask.ok() && *ask && questions <= Page::size; ask = back.take())
            questions++;
        EXPECT_LE(questions, Page::size);
        front.push();
        back.push();
    }
}

/// One too many, far ahead, and backwards.
TEST(KitRing, ProducerThatRunsAwayIsCaughtByEitherEnd) {
    for (u32 ahead : {Page::size + 1, 1000u, 1u << 31, ~0u}) {
        Page page;
        page.clear();
        BackRing<Ask, Told> back{page};
        page.req_prod = ahead;
        EXPECT_TRUE(back.wants_no_sleep()) << "whoever slept would not see it";
        EXPECT_EQ(back.take().error().code, Errno::XEN_EINVAL) << ahead;
        EXPECT_FALSE(back.put({0, 0})) << "nothing was taken";
    }
    for (u32 ahead : {4u, Page::size + 1, 1u << 31, ~0u}) {
        Page page;
        page.clear();
        FrontRing<Ask, Told> front{page};
        for (u64 i = 0; i < 3; i++)
            front.put({i, {}});
        front.push();
        page.rsp_prod = ahead;
        EXPECT_TRUE(front.wants_no_sleep());
        EXPECT_EQ(front.take().error().code, Errno::XEN_EINVAL) << ahead;
        EXPECT_EQ(front.unanswered(), 3u);
    }
}

/// It runs while the back reads: what the back has taken, and not answered, always fits.
TEST(KitRing, ProducerThatRunsOnIsNeverTakenAtItsWord) {
    Page page;
    page.clear();
    std::atomic<bool> is_over = false;
    std::thread running{[&] {
        while (!is_over)
            ring::store(page.req_prod, ring::load(page.req_prod) + 1);
    }};
    for (int round = 0; round < 50; round++) {
        ring::store(page.req_prod, 0);
        BackRing<Ask, Told> back{page};
        u32 taken = 0;
        for (auto ask = back.take(); ask.ok() && taken <= Page::size; ask = back.take())
            if (*ask) taken++;
        EXPECT_LE(taken, Page::size);
    }
    is_over = true;
    running.join();
}

/// Two ends in two threads, each asleep until it is rung: a bell that is lost is a test that hangs.
TEST(KitRing, LosesNoBell) {
    constexpr u64 most = 20'000;
    Page page;
    page.clear();
    std::atomic<u32> bells[2] = {};
    const auto ring_bell = [&](int whose) {
        bells[whose].fetch_add(1);
        bells[whose].notify_one();
    };
    std::thread answering{[&] {
        BackRing<Ask, Told> back{page};
        for (u64 done = 0; done < most;) {
            const u32 heard = bells[1];
            while (auto ask = *back.take()) {
                back.put({ask->number + 1, 0});
                done++;
            }
            if (back.push()) ring_bell(0);
            if (done < most && !back.wants_no_sleep()) bells[1].wait(heard);
        }
    }};
    FrontRing<Ask, Told> front{page};
    u64 asked = 0, sum = 0;
    for (u64 answered = 0; answered < most;) {
        const u32 heard = bells[0];
        while (auto told = *front.take()) {
            EXPECT_EQ(told->number, ++answered);
            sum += told->number;
        }
        while (asked < most && front.put({asked, {}}))
            asked++;
        if (front.push()) ring_bell(1);
        if (front.unanswered() > 0 && !front.wants_no_sleep()) bells[0].wait(heard);
    }
    answering.join();
    EXPECT_EQ(sum, most * (most + 1) / 2);
}

}  // namespace

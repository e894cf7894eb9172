// The link's framing, its encoding and its sessions: garbage, halves, repeats, and floods.
#include <dom0/link/cbor.hpp>
#include <dom0/link/frames.hpp>
#include <dom0/link/journal.hpp>
#include <dom0/link/session.hpp>

#include <gtest/gtest.h>
#include <unit/mutate.hpp>

using namespace dom0;
using namespace std::literals;

namespace {

/// Counts what it is asked to do; "fail" is refused.
class Counter final : public Performer {
public:
    Result<> perform(std::string_view verb, const Request& request) override {
        done.emplace_back(verb);
        if (verb == "fail") {
            request.answer.open_map().text("half an answer");
            request.says = "it is made to fail";
            return Error{Errno::XEN_EBUSY};
        }
        if (verb == "long") return request.answer.bytes(std::string(70'000, 'x')), Result<>{};
        request.answer.number(done.size());
        return {};
    }
    void introduce(CborWriter& hello) override { hello.text("engine").text("none"); }

    std::vector<std::string> done;
};

/// A client's request, as a frame's body.
std::string ask(u64 id, u64 session, std::string_view verb) {
    std::string body{char(link_version)};
    CborWriter{body}.open_map();
    body.back() = char(0xa3); // a map of three: clients say how many
    CborWriter{body}.text("id").number(id).text("session").number(session).text("do").text(verb);
    return body;
}

/// The same with one more argument, `more`, whose value is given as it is encoded.
std::string ask_more(u64 id, u64 session, std::string_view verb, std::string_view value) {
    std::string body = ask(id, session, verb);
    body[1] = char(0xa4);
    CborWriter{body}.text("more");
    return body += value;
}

/// The name of the error that a reply carries, or "ok".
std::string outcome(const std::optional<std::string>& reply) {
    if (!reply) return "nothing";
    if (reply->find("\x65" "error") == reply->npos) return "ok";
    const size_t at = reply->find("\x64name") + 5;
    return reply->substr(at + 1, u8((*reply)[at]) & 0x1f);
}

class SessionTest : public testing::Test {
protected:
    std::string take(const std::string& body) {
        last = session.take(body, 4096);
        return outcome(last);
    }
    Counter counter;
    Session session{counter};
    std::optional<std::string> last;
};

// Frames

TEST(Frames, KnowTheChecksumOfTheStandard) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
    EXPECT_EQ(crc32c(""), 0u);
}

TEST(Frames, StuffAsThePaperDoes) {
    EXPECT_EQ(stuff(""), "\x01");
    EXPECT_EQ(stuff("\0"sv), "\x01\x01");
    EXPECT_EQ(stuff("ab\0c"sv), "\x03" "ab\x02" "c");
    const std::string run(254, 'r');
    EXPECT_EQ(stuff(run), "\xff" + run);
    EXPECT_EQ(stuff(run + "s"), "\xff" + run + "\x02s");
}

TEST(Frames, ComeBackWhole) {
    std::mt19937 random{1};
    for (size_t size = 0; size < 1500; size++) {
        std::string bytes(size, '\0');
        for (char& byte : bytes)
            byte = char(size % 3 == 0 ? random() : random() % 2);
        const std::string stuffed = stuff(bytes);
        ASSERT_EQ(stuffed.find('\0'), stuffed.npos);
        ASSERT_LE(stuffed.size(), size + size / 254 + 1);
        ASSERT_EQ(unstuff(stuffed), bytes) << size;
    }
    EXPECT_FALSE(unstuff("\x05" "ab"));
    EXPECT_FALSE(unstuff("\x02" "a\0"sv));
}

/// What a stream is taken apart into: bodies in brackets, text as it is.
std::string split(Splitter& splitter, std::string_view stream) {
    std::string seen;
    for (char byte : stream)
        if (auto body = splitter.take(byte, seen)) seen += "[" + body->substr(1) + "]";
    return seen;
}

std::string framed(std::string_view text) { return frame("\x01" + std::string{text}); }

TEST(Splitter, TellsFramesFromText) {
    Splitter splitter{100};
    EXPECT_EQ(split(splitter, "dom0> " + framed("one") + "list\n" + framed("two") + framed("3")),
              "dom0> [one]list\n[two][3]");
    EXPECT_EQ(splitter.damaged(), 0u);
}

TEST(Splitter, FindsItsPlaceAfterDamage) {
    const std::string good = framed("good");
    std::string broken = framed("broken");
    broken[4] ^= 0x20;
    const std::string damages[] = {broken,
                                   good.substr(0, 5),             // its end is lost
                                   good.substr(0, 5) + good,      // and it is repeated
                                   "\0"s, "\0\0\0"s, "\0some words"s,
                                   "\0\x02\x01\x05"s,
                                   std::string("\0\x03\x01", 3) + std::string(5000, 'x')};
    for (const auto& damage : damages) {
        Splitter splitter{100};
        const std::string seen = split(splitter, damage + good + "text" + good);
        EXPECT_TRUE(seen.ends_with("[good]text[good]")) << seen;
    }
}

TEST(Splitter, GivesALonelyZeroBackToTheShell) {
    Splitter splitter{100};
    EXPECT_EQ(split(splitter, "li\0st\r"sv), "list\r");
    EXPECT_FALSE(splitter.inside());
}

TEST(Splitter, DropsWhatIsTooLong) {
    Splitter splitter{100};
    EXPECT_EQ(split(splitter, framed(std::string(101, 'x'))), "");
    EXPECT_EQ(splitter.damaged(), 1u);
    EXPECT_EQ(split(splitter, framed(std::string(99, 'x'))), "[" + std::string(99, 'x') + "]");
}

TEST(Splitter, GivesUpAHalfFrame) {
    Splitter splitter{100};
    split(splitter, framed("half").substr(0, 6));
    EXPECT_TRUE(splitter.inside());
    splitter.abandon();
    EXPECT_EQ(split(splitter, "list"), "list");
    EXPECT_EQ(splitter.damaged(), 1u);
}

// CBOR

TEST(Cbor, ReadsWhatTheStandardsExamplesSay) {
    EXPECT_EQ(read_cbor("\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"sv)->number, 1000000000000u);
    EXPECT_EQ(read_cbor("\x38\x63")->number, 99u); // -100
    EXPECT_EQ(read_cbor("\x44\x01\x02\x03\x04")->text, "\x01\x02\x03\x04");
    auto map = read_cbor("\xa2\x61\x61\x01\x61\x62\x82\x02\xf5");
    ASSERT_TRUE(map);
    EXPECT_EQ(map->find("a")->number, 1u);
    EXPECT_EQ(map->find("b")->items[1].kind, Value::Kind::boolean);
    EXPECT_EQ(map->find("c"), nullptr);
}

TEST(Cbor, RefusesEverythingElse) {
    const std::string_view bad[] = {"", "\x18", "\x1c", "\x44\x01\x02"sv, "\x01\x02"sv,
                                    "\x9f\xff"sv, "\xc0\x00"sv, "\xf9\x00\x00"sv, "\xf7"sv,
                                    "\xa1\x01"sv,
                                    "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                    "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                    "\x5b\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                    "\x81\x81\x81\x81\x81\x81\x01"sv};
    for (auto bytes : bad)
        EXPECT_FALSE(read_cbor(bytes)) << testing::PrintToString(bytes);
}

TEST(Cbor, WritesTheShortestForm) {
    std::string out;
    CborWriter{out}.open_array().number(23).number(24).number(65536).boolean(true).null().close();
    EXPECT_EQ(out, "\x9f\x17\x18\x18\x1a\x00\x01\x00\x00\xf5\xf6\xff"sv);
    out.clear();
    CborWriter{out}.number(0x100000000).text("a").bytes("b");
    EXPECT_EQ(out, "\x1b\x00\x00\x00\x01\x00\x00\x00\x00\x61" "a\x41" "b"sv);
}

// Cursors

TEST(Passage, TellsWhatIsLost) {
    auto found = passage("cdefgh", 8, 0, 3);
    EXPECT_EQ(found.text, "cde");
    EXPECT_EQ(found.lost, 2u);
    EXPECT_EQ(found.next, 5u);
    found = passage("cdefgh", 8, found.next, 10);
    EXPECT_EQ(found.text, "fgh");
    EXPECT_EQ(found.lost, 0u);
    EXPECT_EQ(passage("cdefgh", 8, 8, 10).text, "");
    EXPECT_EQ(passage("cdefgh", 8, 9, 10).text, "cdefgh") << "a cursor from another life";
}

// Sessions

TEST_F(SessionTest, BeginsWithHello) {
    EXPECT_EQ(take(ask(1, 7, "list")), "hello");
    EXPECT_EQ(take(ask(2, 7, "hello")), "ok");
    EXPECT_EQ(take(ask(3, 7, "list")), "ok");
    EXPECT_EQ(counter.done.size(), 1u);
}

TEST_F(SessionTest, DoesNothingTwice) {
    take(ask(1, 7, "hello"));
    take(ask(2, 7, "create"));
    const auto first = last;
    for (int again = 0; again < 100; again++) {
        EXPECT_EQ(take(ask(2, 7, "create")), "ok");
        EXPECT_EQ(last, first);
    }
    EXPECT_EQ(take(ask(1, 7, "hello")), "nothing") << "older than the last";
    EXPECT_EQ(counter.done.size(), 1u);
    EXPECT_EQ(take(ask(3, 7, "create")), "ok");
    EXPECT_EQ(counter.done.size(), 2u);
}

TEST_F(SessionTest, BelongsToTheNewestHello) {
    take(ask(1, 7, "hello"));
    take(ask(1, 8, "hello"));
    EXPECT_EQ(take(ask(2, 7, "list")), "taken");
    EXPECT_EQ(take(ask(1, 7, "hello")), "taken") << "a repeat that comes late takes nothing back";
    EXPECT_EQ(take(ask(2, 8, "list")), "ok");
    EXPECT_EQ(take(ask(9, 1234, "list")), "hello");
    EXPECT_EQ(counter.done.size(), 1u);
}

TEST_F(SessionTest, RefusesOtherVersions) {
    take(ask(1, 7, "hello"));
    std::string newer = ask(2, 7, "list");
    newer[0] = 2;
    EXPECT_EQ(take(newer), "version");
    EXPECT_EQ((*last)[0], char(link_version));
    EXPECT_TRUE(counter.done.empty());
}

TEST_F(SessionTest, TellsWhyNot) {
    take(ask(1, 7, "hello"));
    EXPECT_EQ(take(ask(2, 7, "fail")), "EBUSY");
    EXPECT_NE(last->find("it is made to fail"), last->npos);
    EXPECT_EQ(last->find("half an answer"), last->npos);
    EXPECT_EQ(take(ask(3, 7, "long")), "E2BIG");
    EXPECT_EQ(name_of(Errno::XEN_ENOENT), "ENOENT");
}

TEST_F(SessionTest, IgnoresWhatIsNoRequest) {
    const std::string not_requests[] = {"", "\x01", "\x01\xa0"s, "\x01\x01"s, "\x01garbage"s,
                                        "\x01\xa1\x62" "do\x64list"s};
    for (const auto& body : not_requests)
        EXPECT_EQ(take(body), "nothing");
}

TEST_F(SessionTest, OutlivesAFloodOfHellos) {
    for (u64 client = 0; client < 10'000; client++)
        ASSERT_EQ(take(ask(1, client, "hello")), "ok");
    EXPECT_EQ(take(ask(2, 9'998, "list")), "taken");
    EXPECT_EQ(take(ask(2, 9'999, "list")), "ok");
}

// Damage on purpose

TEST_F(SessionTest, NoDamagedFrameDoesAnything) {
    Splitter splitter{Session::longest_request};
    std::string text;
    auto feed = [&](std::string_view stream) {
        for (char byte : stream)
            if (auto body = splitter.take(byte, text)) session.take(*body, 4096);
        text.clear();
    };
    feed(frame(ask(1, 7, "hello")));
    const std::string good = frame(ask_more(2, 7, "destroy", "\x58\x28" + std::string(40, '\0')));
    const hv::test::Bytes bytes{good.begin(), good.end()};
    size_t fed = 0;
    hv::test::mutate(bytes, 60'000, [&](const hv::test::Bytes& bad) {
        const std::string_view stream{reinterpret_cast<const char*>(bad.data()), bad.size()};
        // A few changes leave the frame as it was, or make its zeros the next one's
        if (stream.find(good.substr(1, good.size() - 2)) != stream.npos) return;
        feed(stream);
        fed += bad.size();
    });
    EXPECT_GT(fed, 3'000'000u);
    EXPECT_TRUE(counter.done.empty()) << "a damaged frame was taken for a whole one";
    feed("\0"s + good);
    EXPECT_EQ(counter.done, std::vector<std::string>{"destroy"});
}

TEST_F(SessionTest, NoDamagedBodyBreaksIt) {
    // With a right checksum: what a hostile client can do
    take(ask(1, 7, "hello"));
    const std::string good = ask_more(2, 7, "list", "\x82\x01\xa1\x61x\x43" "abc");
    ASSERT_TRUE(read_cbor(std::string_view{good}.substr(1)));
    unsigned read = 0;
    hv::test::mutate({good.begin(), good.end()}, 60'000, [&](const hv::test::Bytes& bad) {
        const std::string_view body{reinterpret_cast<const char*>(bad.data()), bad.size()};
        read += read_cbor(body.substr(body.empty() ? 0 : 1)).has_value();
        session.take(body, 4096);
    });
    EXPECT_GT(read, 1'000u);
}

}  // namespace

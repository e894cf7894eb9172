// A device's handshake: what each end does in every pair of states, drawn beside the table; and two
// ends together, whatever they start from, and whoever dies or lies.
#include "store_clients.hpp"

#include <kit/xenbus.hpp>

#include <array>
#include <gtest/gtest.h>
#include <set>

namespace {

using namespace kit;

constexpr BusState state(size_t number) { return static_cast<BusState>(number); }

/// What a letter of the drawings below stands for.
Step step_of(char letter, BusState mine) {
    switch (letter) {
    case '.': return {Act::wait, mine};
    case 'p': return {Act::prepare, BusState::init_wait};
    case 'o': return {Act::offer, BusState::initialised};
    case 'u': return {Act::take_up, BusState::connected};
    case 'c': return {Act::connect, BusState::connected};
    case 't': return {Act::talk, BusState::connected};
    case 'h':
        return {Act::hold, mine == BusState::connected ? BusState::reconfiguring
                                                       : BusState::reconfigured};
    case 'r': return {Act::resume, BusState::connected};
    default: return {Act::let_go, BusState::closed};
    }
}

/// A row for each state of ours, a column for each of the other's, in the order of BusState; -: we
/// let go, and are closed.
using Drawing = std::array<std::string_view, bus_states>;
constexpr Drawing front = {
    // gone, initialising, waiting, initialised, connected, closing, closed, -uring, -ured, nonsense
    "----------", // gone
    "-.o-------", // initialising
    "----------", // waiting: no state of a front's
    "--..c-----", // initialised
    "----t--h.-", // connected
    "--....-..-", // closing
    "..........", // closed
    "-------.r-", // reconfiguring
    "----------", // reconfigured
    "----------", // nonsense
};
constexpr Drawing back = {
    "----------", // gone
    "-p--------", // initialising
    "-.-uu-----", // waiting
    "----------", // initialised
    "---.t-----", // connected
    "--...--..-", // closing
    "..........", // closed
    "----.--h--", // reconfiguring
    "----r--.--", // reconfigured
    "----------", // nonsense
};

void expect_drawn(Who who, const Drawing& drawing) {
    for (size_t mine = 0; mine < bus_states; mine++)
        for (size_t others = 0; others < bus_states; others++)
            EXPECT_EQ(next_step(who, state(mine), state(others)),
                      step_of(drawing[mine][others], state(mine)))
                << "mine " << mine << ", the other's " << others;
}

TEST(Xenbus, FrontDoesInEveryPairOfStatesWhatIsDrawn) { expect_drawn(Who::front, front); }

TEST(Xenbus, BackDoesInEveryPairOfStatesWhatIsDrawn) { expect_drawn(Who::back, back); }

TEST(Xenbus, StatesAreXensNumbersAndNothingElse) {
    EXPECT_EQ(bus_state("1"), BusState::initialising);
    EXPECT_EQ(bus_state("8"), BusState::reconfigured);
    EXPECT_EQ(bus_state("0"), BusState::gone);
    for (auto text : {"", "9", "77", "-1", " 4", "4 ", "4\n", "four", "0x4", "04", "4294967300"})
        EXPECT_EQ(bus_state(text), BusState::nonsense) << text;
}

/// Both ends keep to the table, in every order of turns: they never run in circles, and come to
/// rest connected, or both closed.
TEST(Xenbus, TwoEndsComeToRestFromWhereverTheyStart) {
    using Pair = std::pair<BusState, BusState>;
    for (size_t a = 0; a < bus_states; a++)
        for (size_t b = 0; b < bus_states; b++) {
            std::set<Pair> seen;
            std::vector<Pair> open{{state(a), state(b)}};
            while (!open.empty()) {
                const Pair at = open.back();
                open.pop_back();
                if (!seen.insert(at).second) continue;
                const Pair after[] = {{next_step(Who::front, at.first, at.second).next, at.second},
                                      {at.first, next_step(Who::back, at.second, at.first).next}};
                bool is_rest = true;
                for (auto& next : after)
                    if (next != at) {
                        is_rest = false;
                        open.push_back(next);
                    }
                if (!is_rest) continue;
                const bool is_good = at == Pair{BusState::connected, BusState::connected} ||
                                     at == Pair{BusState::closed, BusState::closed};
                EXPECT_TRUE(is_good) << "from " << a << ' ' << b << " they rest at "
                                     << name_of(at.first) << ' ' << name_of(at.second);
            }
        }
}

TEST(Xenbus, AnEndWhoseOtherHasGoneOrLiesIsClosedInOneStep) {
    for (auto who : {Who::front, Who::back})
        for (size_t mine = 1; mine < bus_states; mine++)
            for (auto others : {BusState::gone, BusState::nonsense, BusState::closed})
                EXPECT_EQ(next_step(who, state(mine), others).next, BusState::closed);
}

// The ends, with a store between them

/// What a driver was asked to do, as letters.
class Told final : public Driver {
public:
    std::string said;
    Talk answer = Talk::idle;
    bool refuses = false;

    Result<> prepare() override { return note('p'); }
    Result<> offer() override { return note('o'); }
    Result<> take_up() override { return note('u'); }
    Result<> connect() override { return note('c'); }
    Result<Talk> talk() override {
        TRY(note('t'));
        return answer;
    }
    void hold() override { (void)note('h'); }
    void resume() override { (void)note('r'); }
    void let_go() override { said += '-'; }

private:
    Result<> note(char letter) {
        said += letter;
        if (refuses) return Error{Errno::XEN_EACCES};
        return {};
    }
};

using store_clients::House;

/// A device between guests 1 and 2, as a toolstack makes it.
class XenbusStore : public testing::Test {
protected:
    void SetUp() override {
        for (u16 id : {u16(1), u16(2)})
            house.move_in(id);
        put(front_home, 1, 2);
        put(back_home, 2, 1);
        write(front_home + "/backend", back_home);
        write(front_home + "/backend-id", "2");
        write(back_home + "/frontend", front_home);
        write(back_home + "/frontend-id", "1");
    }
    void put(const std::string& home, u16 owner, u16 reader) {
        house.store.write(home, "");
        house.store.set_permissions(home, {{owner, false, false}, {reader, true, false}});
        write(home + "/state", "1");
    }
    void write(const std::string& path, std::string_view value) { house.store.write(path, value); }
    std::string state_of(const std::string& home) {
        return house.store.read(home + "/state").value_or("none");
    }

    const std::string front_home = "/local/domain/1/device/letters/0";
    const std::string back_home = "/local/domain/2/backend/letters/1/0";
    House house;
};

/// One end that lives in that house.
struct Lodger {
    Lodger(House& in, u16 id, Who who, std::string home)
        : house{in}, client{house.client(id)}, end{client, who, std::move(home)} {}
    /// Takes every turn that it can, and all news.
    void live() {
        for (bool again = true; again;) {
            again = end.turn(driver) == Driver::Talk::busy;
            house.serve();
            while (auto token = client.news()) {
                end.hear(*token);
                again = true;
            }
        }
    }
    House& house;
    StoreClient& client;
    BusEnd end;
    Told driver;
};

class XenbusEnds : public XenbusStore {
protected:
    void SetUp() override {
        XenbusStore::SetUp();
        front_end.emplace(house, u16(1), Who::front, "device/letters/0");
        back_end.emplace(house, u16(2), Who::back, "backend/letters/1/0");
        ASSERT_TRUE(front_end->end.begin().ok());
        ASSERT_TRUE(back_end->end.begin().ok());
    }
    void live() {
        for (int turns = 0; turns < 10; turns++) {
            front_end->live();
            back_end->live();
        }
    }
    std::optional<Lodger> front_end, back_end;
};

TEST_F(XenbusEnds, ConnectTalkAndCloseByTheFrontsWill) {
    live();
    EXPECT_EQ(state_of(front_home) + state_of(back_home), "44");
    EXPECT_EQ(front_end->driver.said.substr(0, 3), "oct");
    EXPECT_EQ(back_end->driver.said.substr(0, 3), "put");
    front_end->driver.answer = Driver::Talk::over;
    live();
    EXPECT_EQ(state_of(front_home) + state_of(back_home), "66");
    EXPECT_TRUE(front_end->driver.said.ends_with('-'));
    EXPECT_TRUE(back_end->driver.said.ends_with('-'));
}

TEST_F(XenbusEnds, BackThatClosesLetsGoBeforeItSaysSo) {
    live();
    back_end->end.close(back_end->driver);
    EXPECT_TRUE(back_end->driver.said.ends_with('-'));
    EXPECT_EQ(state_of(back_home), "5");
    live();
    EXPECT_EQ(state_of(front_home) + state_of(back_home), "66");
}

TEST_F(XenbusEnds, WhatADriverCannotDoClosesTheDeviceAtBothEnds) {
    back_end->driver.refuses = true;
    live();
    EXPECT_EQ(back_end->driver.said, "p-");
    EXPECT_EQ(state_of(front_home) + state_of(back_home), "66");
}

TEST_F(XenbusEnds, PeerThatIsRemovedIsNoticed) {
    live();
    house.store.remove("/local/domain/1");
    back_end->live();
    EXPECT_EQ(state_of(back_home), "6");
    EXPECT_TRUE(back_end->driver.said.ends_with('-'));
}

TEST_F(XenbusEnds, OwnEntryThatIsRemovedIsNotMadeAnew) {
    live();
    house.store.remove(front_home);
    write(back_home + "/state", "6");
    front_end->live();
    EXPECT_EQ(front_end->end.state(), BusState::closed);
    EXPECT_EQ(state_of(front_home), "none");
}

TEST_F(XenbusEnds, JumpsAndGarbageCloseTheHonestEnd) {
    for (auto text : {"0", "1", "2", "7", "9", "999999999999", "", "connected"}) {
        front_end.reset();
        back_end.reset();
        SetUp();
        live();
        write(front_home + "/state", text);
        back_end->live();
        EXPECT_EQ(state_of(back_home), "6") << text;
    }
}

TEST_F(XenbusEnds, NumbersOfThePeerAreNumbers) {
    write(front_home + "/ring-ref", "17");
    EXPECT_EQ(back_end->end.number_of_peer("ring-ref").value_or(0), 17u);
    for (auto text : {"", "-1", "1e3", "12345678901", "17 "}) {
        write(front_home + "/ring-ref", text);
        EXPECT_EQ(back_end->end.number_of_peer("ring-ref").error().code, Errno::XEN_EINVAL) << text;
    }
    EXPECT_EQ(back_end->end.number_of_peer("none").error().code, Errno::XEN_ENOENT);
}

TEST_F(XenbusStore, DeviceThatNamesNobodyIsRefused) {
    write(back_home + "/frontend-id", "70000");
    BusEnd odd{house.client(2), Who::back, "backend/letters/1/0"};
    EXPECT_EQ(odd.begin().error().code, Errno::XEN_EINVAL);
}

TEST_F(XenbusStore, BeginningsAreFoundBelowTheDirectoryOfTheirKind) {
    auto found = [&](u16 id, Who who) {
        return find_beginning(house.client(id), who, "letters").value_or("none");
    };
    EXPECT_EQ(found(1, Who::front), "device/letters/0");
    EXPECT_EQ(found(2, Who::back), "backend/letters/1/0");
    write(back_home + "/state", "6");
    EXPECT_EQ(found(2, Who::back), "none");
    put("/local/domain/2/backend/letters/3/5", 2, 3);
    EXPECT_EQ(found(2, Who::back), "backend/letters/3/5");
}

}  // namespace

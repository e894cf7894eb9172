// The lab's probe: the hypervisor's half, played step by step between the steps of the reader's.
#include <algorithm>
#include <cstdio>
#include <events/doorbell/doorbell.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace hv;

namespace {

constexpr u32 words = 64;
constexpr unsigned most_steps = 500;

/// What went wrong, and how it came about.
struct Fault {
    std::string what;
};

bell::Flag told;
bell::Word selector, pending[words], mask[words];
bell::Board board{&told, &selector, pending, mask};

u64& raw(bell::Word& word) { return reinterpret_cast<u64&>(word); }
u8& raw(bell::Flag& flag) { return reinterpret_cast<u8&>(flag); }
bool test(bell::Word* bits, u32 port) { return raw(bits[port / 64]) >> port % 64 & 1; }
void put(bell::Word* bits, u32 port) { raw(bits[port / 64]) |= u64{1} << port % 64; }

/// A ring on its way, as hv/events/two_level.cpp does it: each call of step() is one of its steps.
class Ring {
public:
    explicit Ring(u32 port) : port_{port} {}
    bool over() const { return stage_ == 4; }
    const char* step();

private:
    const char* say(bool stop, const char* text) {
        stage_ = stop ? 4 : stage_ + 1;
        return text;
    }
    u32 port_;
    unsigned stage_ = 0;
};

/// One run: the rings to come, at which of the guest's steps each of their steps is, and what came
/// of it.
struct Run {
    std::vector<Ring> rings = {};
    std::vector<unsigned> at = {};
    unsigned taken = 0;      ///< steps of the hypervisor
    unsigned steps = 0;      ///< of the guest
    unsigned early = 0;      ///< so often sleep_for() comes back for nothing
    bool interrupt = false, enabled = false;
    std::vector<u32> due = {};  ///< ports that rang, and were not served since
    bool is_told = false;    ///< its story is: only where there was a fault, for it takes long
    std::string served = {}, story = {};

    bool is_due(u32 port) const { return std::find(due.begin(), due.end(), port) != due.end(); }
    void settle(u32 port) { std::erase(due, port); }
    void tell(const char* who, const char* does, const char* what = "") {
        if (is_told)
            ((story += story.empty() ? "" : "; ") += who) += std::string{does} + what;
    }
    bool host_step() {
        for (Ring& ring : rings)
            if (!ring.over()) {
                tell("I ", ring.step());
                ++taken;
                return true;
            }
        return false;
    }
    /// Before a step of the guest's: the hypervisor's that come first, and an interrupt.
    void before(const char* does, const char* what = "") {
        if (++steps > most_steps)
            throw Fault{"you go round without end"};
        while (taken < at.size() && at[taken] < steps && host_step())
            ;
        take_interrupt();
        tell("you ", does, what);
    }
    void take_interrupt() {
        while (enabled && interrupt) {
            interrupt = enabled = false;
            tell("you ", "are interrupted");
            bell::answer(board);
            enabled = true;
        }
    }
};
Run* run = nullptr;

const char* Ring::step() {
    const u64 bit = u64{1} << port_ % 64, word = u64{1} << port_ / 64;
    u64 before = 0;
    switch (stage_) {
    case 0:
        before = std::exchange(raw(pending[port_ / 64]), raw(pending[port_ / 64]) | bit);
        run->settle(port_);
        run->due.push_back(port_);
        return say(before & bit, "set the pending bit");
    case 1:
        return say(test(mask, port_), "look at the mask");
    case 2:
        before = std::exchange(raw(selector), raw(selector) | word);
        return say(before & word, "set the selector");
    default:
        before = std::exchange(raw(told), u8{1});
        run->interrupt |= before == 0;
        return say(true, "set the flag");
    }
}

const char* name_of(const bell::Word* word) {
    if (word == &selector)
        return "the selector";
    if (word >= pending && word < pending + words)
        return "pending";
    return "the mask";
}

void clear_all() {
    raw(told) = 0;
    raw(selector) = 0;
    for (u32 i = 0; i < words; ++i)
        raw(pending[i]) = raw(mask[i]) = 0;
}

}  // namespace

// The reader's steps

u64 bell::Word::look() const {
    run->before("look at ", name_of(this));
    return value_;
}
u64 bell::Word::exchange(u64 value) {
    run->before("take ", name_of(this));
    return std::exchange(value_, value);
}
u64 bell::Word::set(u64 bits) {
    run->before("set bits of ", name_of(this));
    return std::exchange(value_, value_ | bits);
}
u64 bell::Word::clear(u64 bits) {
    run->before("clear bits of ", name_of(this));
    return std::exchange(value_, value_ & ~bits);
}
bool bell::Flag::exchange(bool value) {
    run->before(value ? "set the flag" : "clear the flag");
    return std::exchange(value_, u8{value}) != 0;
}

void bell::serve(u32 port) {
    run->before("serve port ", std::to_string(port).c_str());
    if (!run->is_due(port))
        throw Fault{"you served a port that had not rung since"};
    if (!test(pending, port))
        run->settle(port);
    run->served += std::to_string(port) + (test(mask, port) ? "m." : ".");
}

void bell::sleep_for(u32 port) {
    run->before("sleep");
    if (test(pending, port) || (run->early > 0 && run->early-- > 0))
        return;
    while (!test(pending, port))
        if (!run->host_step())
            throw Fault{"you sleep for ever"};
    run->tell("you ", "wake");
}

namespace {

// Scenes

/// What a scene begins with, and what the guest does in it.
struct Scene {
    std::vector<u32> rung = {};    ///< rings that are over when it begins
    std::vector<u32> masked = {};
    std::vector<u32> rings = {};   ///< those to come
    unsigned early = 0;
    void (*guest)() = nullptr;
    u32 waits_for = 0;        ///< not 0: the guest waits for that port, without a handler
};

void finish(u32 waits_for) {
    while (run->host_step())
        ;
    if (waits_for != 0)
        return;
    run->enabled = true;
    run->take_interrupt();
    // What a handler leaves masked, the guest opens when it is through
    for (u32 port = 1; port < 128; ++port)
        if (test(mask, port) && run->served.find(std::to_string(port) + "m") != std::string::npos) {
            run->enabled = false;
            if (bell::open(board, port))
                bell::answer(board);
            run->enabled = true;
            run->take_interrupt();
        }
}

void wait_once(u32 port) {
    bell::wait_for(board, port);
    if (!run->is_due(port))
        throw Fault{"you came back from wait_for, and nobody had rung"};
    if (!test(pending, port))
        run->settle(port);
    run->tell("you ", "are back from wait_for");
}

void play(const Scene& scene) {
    clear_all();
    for (const u32 port : scene.masked)
        put(mask, port);
    for (const u32 port : scene.rung)
        for (Ring ring{port}; !ring.over();)
            (void)ring.step();
    for (const u32 port : scene.rings)
        run->rings.emplace_back(port);
    run->early = scene.early;
    if (scene.waits_for != 0) {
        wait_once(scene.waits_for);
        finish(scene.waits_for);
        if (test(pending, scene.waits_for))
            wait_once(scene.waits_for);
    } else {
        run->enabled = true;
        scene.guest();
        finish(0);
    }
    for (const u32 port : run->due)
        if (!test(mask, port) || scene.waits_for != 0)
            throw Fault{"a ring of port " + std::to_string(port) + " was lost"};
}

/// Plays a scene in one order; the fault, if there was one.
std::string fault_of(const Scene& scene, Run& one) {
    run = &one;
    try {
        play(scene);
        return "";
    } catch (const Fault& fault) {
        return fault.what;
    }
}

/// Plays a scene in every order. The hypervisor's steps are at moments that do not fall.
void play_all(const Scene& scene) {
    std::vector<unsigned> at(4 * scene.rings.size(), 0);
    for (;;) {
        Run one{.at = at};
        if (!fault_of(scene, one).empty()) {
            Run again{.at = at, .is_told = true};
            const std::string fault = fault_of(scene, again);
            return (void)std::printf("%s: %s\n", fault.c_str(), again.story.c_str());
        }
        size_t last = at.size();
        while (last > 0 && at[last - 1] >= one.steps)
            --last;
        if (last == 0)
            return (void)std::printf("heard\n");
        const unsigned moment = at[last - 1] + 1;
        for (size_t i = last - 1; i < at.size(); ++i)
            at[i] = moment;
    }
}

void handle() { run->take_interrupt(); }
void open_five() {
    // With interrupts on: the handler may come in between
    if (bell::open(board, 5)) {
        run->enabled = false;
        bell::answer(board);
        run->enabled = true;
    }
}

Scene scene_of(const std::string& name) {
    if (name == "same") return {.rung = {5}, .rings = {5}, .guest = handle};
    if (name == "word") return {.rung = {5}, .rings = {6}, .guest = handle};
    if (name == "other") return {.rung = {5}, .rings = {70}, .guest = handle};
    if (name == "open") return {.masked = {5}, .rings = {5}, .guest = open_five};
    if (name == "behind") return {.rung = {5}, .masked = {5}, .rings = {5}, .guest = open_five};
    if (name == "beside") return {.rung = {5, 6}, .masked = {5}, .guest = open_five};
    if (name == "wait") return {.masked = {5}, .rings = {5}, .waits_for = 5};
    if (name == "again") return {.masked = {5}, .rings = {5, 5}, .waits_for = 5};
    if (name == "rung") return {.rung = {5}, .masked = {5}, .rings = {5}, .waits_for = 5};
    return {.masked = {5}, .rings = {5}, .early = 3, .waits_for = 5};
}

// Stories

std::vector<u32> list_of(const std::string& text) {
    std::vector<u32> list;
    std::istringstream parts{text == "-" ? "" : text};
    for (std::string part; std::getline(parts, part, ',');)
        list.push_back(static_cast<u32>(std::stoul(part)));
    return list;
}

/// Ports that are pending, ports that are masked, words that are selected; and a port to open.
void live(const std::string& rung, const std::string& masked, const std::string& selected,
          u32 opened) {
    Run one;
    run = &one;
    clear_all();
    raw(told) = 1;
    for (const u32 port : list_of(rung))
        put(pending, port), one.due.push_back(port);
    for (const u32 port : list_of(masked))
        put(mask, port);
    for (const u32 word : list_of(selected))
        raw(selector) |= u64{1} << word;
    try {
        bool answers = true;
        if (opened != 0)
            std::printf("%s ", (answers = bell::open(board, opened)) ? "true" : "false");
        if (answers)
            bell::answer(board);
        std::printf("%s", one.served.empty() ? "none" : one.served.c_str());
    } catch (const Fault& fault) {
        std::printf("%s", fault.what.c_str());
    }
    std::printf(" left:");
    for (u32 port = 0; port < words * 64; ++port)
        if (test(pending, port))
            std::printf("%u.", port);
    std::printf("%s%s\n", raw(told) ? " flag" : "", raw(selector) ? " selector" : "");
}

}  // namespace

/// A line is `orders SCENE` or `story PENDING MASKED SELECTED PORT`. One comes back for each.
int main() {
    for (std::string word; std::cin >> word;) {
        std::string first, masked, selected;
        u32 opened = 0;
        std::cin >> first;
        if (word == "orders") {
            play_all(scene_of(first));
        } else {
            std::cin >> masked >> selected >> opened;
            live(first, masked, selected, opened);
        }
    }
}

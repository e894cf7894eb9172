// The lab's probe: the end that asks, honest or not, between any two steps of the reader's.
#include <cstdio>
#include <events/ring/back.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace hv;
using back::Page, back::Own, back::Request, back::Response, back::Taken;

namespace {

constexpr unsigned most_steps = 2000;

/// What went wrong.
struct Fault {
    const char* what;
};

/// One run: the page, what the front does between the back's steps, and when.
struct Run {
    Page page{};
    Own own{};
    std::vector<void (*)()> front = {};  ///< its steps
    std::vector<unsigned> at = {};       ///< before which of the back's each comes
    size_t next = 0;
    unsigned steps = 0;
    bool bell = false, front_bell = false, front_sleeps = false;
    u32 asked = 0, read = 0;             ///< of the front's own: requests, and responses read
    std::vector<std::pair<u32, int32_t>> answers = {};  ///< as they were written
    std::vector<std::pair<u32, u32>> delivered = {};

    bool front_step() {
        if (next == front.size())
            return false;
        front[next++]();
        return true;
    }
    void before() {
        if (++steps > most_steps)
            throw Fault{"you go round without end"};
        while (next < front.size() && next < at.size() && at[next] < steps)
            front_step();
    }
};
Run* run = nullptr;

u32& raw(back::Index& index) { return reinterpret_cast<u32&>(index); }
Request& raw(back::Slot& slot) { return reinterpret_cast<Request&>(slot); }

}  // namespace

// The reader's steps

u32 back::Index::look() const {
    run->before();
    return value_;
}
void back::Index::show(u32 value) {
    run->before();
    value_ = value;
}
Request back::Slot::copy() const {
    run->before();
    return request_;
}
void back::Slot::write(const Response& response) {
    run->before();
    run->answers.emplace_back(response.id, response.status);
    response_ = response;
}
void back::deliver(u32 first, u32 count) {
    if (first > back::table_size || count > back::table_size - first)
        throw Fault{"you delivered what lies beyond the table"};
    run->delivered.emplace_back(first, count);
}

namespace {

// The front

void lay(u32 id, u32 first, u32 count) { raw(run->page.slot(run->asked++)) = {id, first, count}; }

/// Shows a request more.
void show_one() {
    lay(run->asked, 8, 1);
    raw(run->page.req_prod) = run->asked;
}
void look_at_req_event() {
    if (run->asked - raw(run->page.req_event) < 1)
        run->bell = true;
}
void ask_for_bell() { raw(run->page.rsp_event) = run->read + 1; }
void go_to_sleep() { run->front_sleeps = raw(run->page.rsp_prod) == run->read; }
void change_requests() {
    for (back::Slot& slot : run->page.slots)
        raw(slot) = {raw(slot).id, 56, 60};
}

/// The back's whole life: it serves, shows, and sleeps until it is rung.
void live() {
    for (;;) {
        if (!back::serve(run->page, run->own))
            throw Fault{"you called an honest front a liar"};
        if (back::push(run->page, run->own))
            run->front_bell = true;
        if (back::wants_no_sleep(run->page, run->own))
            continue;
        while (!run->bell)
            if (!run->front_step())
                return;
        run->bell = false;
    }
}

void play_bell() {
    run->front = {show_one, look_at_req_event, show_one, look_at_req_event};
    live();
    if (run->answers.size() != 2)
        throw Fault{"a request was shown after you had looked, nobody rang, and you sleep"};
}
void play_answer() {
    lay(0, 8, 1);
    raw(run->page.req_prod) = 1;
    raw(run->page.rsp_event) = 5;
    run->front = {ask_for_bell, go_to_sleep};
    live();
    if (run->front_sleeps && !run->front_bell)
        throw Fault{"the front asked for a bell, saw no answer and sleeps; you looked before it "
                    "asked, and showed your answer without a bell"};
}
void play_twice() {
    lay(0, 8, 1);
    raw(run->page.req_prod) = 1;
    run->front = {change_requests};
    live();
    for (const auto& [first, count] : run->delivered)
        if (first > back::table_size || count > back::table_size - first)
            throw Fault{"a request changed between two looks of yours"};
}

/// Plays a scene in every order.
const char* play_all(void (*scene)(), size_t steps) {
    std::vector<unsigned> at(steps, 0);
    for (;;) {
        Run one;
        one.at = at;
        raw(one.page.req_event) = raw(one.page.rsp_event) = 1;
        run = &one;
        try {
            scene();
        } catch (const Fault& fault) {
            return fault.what;
        }
        size_t last = at.size();
        while (last > 0 && at[last - 1] >= one.steps)
            --last;
        if (last == 0)
            return "fine";
        const unsigned moment = at[last - 1] + 1;
        for (size_t i = last - 1; i < at.size(); ++i)
            at[i] = moment;
    }
}

// Stories

void begin_at(u32 base) {
    run->asked = base;
    raw(run->page.req_prod) = raw(run->page.rsp_prod) = base;
    raw(run->page.req_event) = raw(run->page.rsp_event) = base + 1;
    run->own = {base, base, base};
}

void print_take() {
    Request request{};
    switch (back::take(run->page, run->own, request)) {
    case Taken::request: return (void)std::printf("request-%u ", request.id);
    case Taken::none: return (void)std::printf("none ");
    default: std::printf("liar ");
    }
}

/// WORD or WORD:NUMBER, in hexadecimal.
void take_step(const std::string& word, u32 number) {
    if (word == "base")
        begin_at(number);
    else if (word == "ask")
        lay(run->asked, number % 64, 1), raw(run->page.req_prod) = run->asked;
    else if (word == "far")
        lay(run->asked, number, 2), raw(run->page.req_prod) = run->asked;
    else if (word == "claim")
        raw(run->page.req_prod) = run->own.told + number;
    else if (word == "want")
        raw(run->page.rsp_event) = run->own.shown + number;
    else if (word == "take")
        print_take();
    else if (word == "put")
        std::printf(back::put(run->page, run->own, {number, 0}) ? "put " : "no-more ");
    else if (word == "push")
        std::printf(back::push(run->page, run->own) ? "bell " : "still ");
    else if (word == "sleep")
        std::printf(back::wants_no_sleep(run->page, run->own) ? "stay " : "sleep ");
    else if (word == "serve")
        std::printf(back::serve(run->page, run->own) ? "served " : "liar ");
}

void tell_all(const std::string& story) {
    Run one;
    run = &one;
    begin_at(0);
    std::istringstream steps{story};
    try {
        for (std::string step; steps >> step;) {
            const size_t colon = step.find(':');
            const std::string number = colon == step.npos ? "0" : step.substr(colon + 1);
            take_step(step.substr(0, colon),
                      static_cast<u32>(std::stoul(number, nullptr, 16)));
        }
    } catch (const Fault& fault) {
        std::printf("%s ", fault.what);
    }
    std::printf("answers:");
    for (const auto& [id, status] : one.answers)
        std::printf("%u=%d.", id, status);
    std::printf(" shown:%u wants:%u\n", raw(one.page.rsp_prod), raw(one.page.req_event));
}

}  // namespace

/// A line is `orders SCENE`, or a story. One comes back for each.
int main() {
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "orders bell")
            std::printf("%s\n", play_all(play_bell, 4));
        else if (line == "orders answer")
            std::printf("%s\n", play_all(play_answer, 2));
        else if (line == "orders twice")
            std::printf("%s\n", play_all(play_twice, 1));
        else
            tell_all(line);
    }
}

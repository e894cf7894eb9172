// The lab's probe: a guest with a friend who rings its ports, as the check's stories have it.
#include <cstdio>
#include <cstring>
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <domains/shared_info.hpp>
#include <domains/vcpu_start.hpp>
#include <events/ports.hpp>
#include <iostream>
#include <moments.hpp>
#include <native/machine.hpp>
#include <sstream>
#include <string>
#include <xen/domctl.h>
#include <xen/sched.h>

using namespace hv;

namespace {

constexpr u32 ports = 130;  ///< in three words of 64, or five of 32
constexpr u64 list_at = 0x3000, wish_at = 0x4000;

/// What the guest does by itself, a step at a time: its half of the protocol.
class Handler {
public:
    explicit Handler(Domain& domain) : domain_{domain} {}

    static constexpr unsigned steps = 3;
    void step(unsigned number) {
        if (number == 0)
            running_ = __atomic_exchange_n(upcall(), u8{0}, __ATOMIC_SEQ_CST) != 0;
        else if (running_ && number == 1)
            words_ = take_words();
        else if (running_)
            serve();
    }
    void run() {
        served_.clear();
        for (unsigned number = 0; number < steps; ++number)
            step(number);
    }
    const std::vector<u32>& served() const { return served_; }

    u8* upcall() { return &domain_.vcpus[0]->info->abi.evtchn_upcall_pending; }
    u64 take_words() {
        u64 words = 0;
        const size_t bytes = event_words(domain_).bits_per_word / 8;
        std::memcpy(&words, pending_selector(*domain_.vcpus[0]), bytes);
        std::memset(pending_selector(*domain_.vcpus[0]), 0, bytes);
        return words;
    }
    bool test(u8* bits, u32 port) { return bits[port / 8] >> port % 8 & 1; }
    u8* pending() { return event_words(domain_).pending; }
    u8* mask() { return event_words(domain_).mask; }
    void mask(u32 port) { mask()[port / 8] |= static_cast<u8>(1u << port % 8); }
    void open(u32 port) { mask()[port / 8] &= static_cast<u8>(~(1u << port % 8)); }

private:
    void serve() {
        const unsigned bits = event_words(domain_).bits_per_word;
        for (u32 port = 1; port <= ports; ++port)
            if (words_ >> port / bits & 1 && test(pending(), port) && !test(mask(), port)) {
                pending()[port / 8] &= static_cast<u8>(~(1u << port % 8));
                served_.push_back(port);
            }
    }

    Domain& domain_;
    bool running_ = false;
    u64 words_ = 0;
    std::vector<u32> served_;
};

class Scene {
public:
    Scene(Cpu& cpu, Domain& guest, Domain& friendly)
        : cpu_{cpu}, guest_{guest}, friend_{friendly}, handler_{guest} {
        for (u32 port = 1; port <= ports; ++port) {
            join(guest_, friend_, port);
            join(friend_, guest_, port);
        }
    }

    void live(const std::string& story) {
        begin();
        std::istringstream steps{story};
        for (std::string step; steps >> step;)
            take(step);
        std::printf("\n");
    }

private:
    static void join(Domain& one, Domain& other, u32 port) {
        EventPort row{};
        row.state = EventPort::State::interdomain;
        row.remote = other.id;
        row.detail = port;
        Guard guard{events_of(one).lock};
        (void)bind_port(one, row);
    }
    Vcpu& vcpu() { return *guest_.vcpus[0]; }

    /// As if nobody had ever rung.
    void begin() {
        for (const bool wide : {false, true}) {
            latch_width(guest_, wide);
            std::memset(handler_.pending(), 0, ports / 8 + 1);
            std::memset(handler_.mask(), 0, ports / 8 + 1);
            (void)handler_.take_words();
            *handler_.upcall() = 0;
        }
        events_of(guest_).polling = 0;
        events_of(vcpu()).polled_port = 0;
        TimerQueue::cancel(events_of(vcpu()).poll_timer);
        vcpu().blocked = Blocked::no;
    }

    s64 poll_ports(const std::vector<u32>& list, u32 count, u64 timeout) {
        u8* const memory = guest_.machine.memory.at(guest_.p2m.look_up(Gfn{0})->frame);
        sched_poll wish{};
        set_xen_guest_handle(wish.ports, reinterpret_cast<evtchn_port_t*>(list_at));
        wish.nr_ports = count;
        wish.timeout = timeout;
        std::memcpy(memory + list_at, list.data(), list.size() * sizeof(u32));
        std::memcpy(memory + wish_at, &wish, sizeof wish);
        vcpu().hardware.gpr.rdi = SCHEDOP_poll;
        vcpu().hardware.gpr.rsi = wish_at;
        Call call{cpu_, vcpu(), true};
        return poll(call).value;
    }
    void unmask_port(u32 port) {
        EventChannels& events = events_of(guest_);
        Guard guard{events.lock};
        events.abi->unmask(guest_, port, *events.find(port));
    }

    // Every order

    /// Does `work`, with the guest's steps at each choice of moments; `begin` before, and after it
    /// all `lost` says whether the guest missed something. Prints which.
    template <class Begin, class Work, class Step, class Lost>
    void play_orders(unsigned steps, Begin begin, Work work, Step step, Lost lost) {
        std::vector<unsigned> at(steps, 0);
        for (;;) {
            begin();
            unsigned next = 0;
            const unsigned moments = moments::play(
                [&](unsigned now) {
                    while (next < steps && at[next] <= now && may_act())
                        step(next++);
                },
                work);
            while (next < steps)
                step(next++);
            if (lost())
                return (void)std::printf("lost ");
            // The next choice of moments that do not fall
            unsigned last = steps;
            while (last > 0 && at[last - 1] >= moments)
                --last;
            if (last == 0)
                return (void)std::printf("heard ");
            const unsigned moment = at[last - 1] + 1;
            for (unsigned i = last - 1; i < steps; ++i)
                at[i] = moment;
        }
    }
    bool may_act() const { return guest_acts_ || this_ledger().held == 0; }

    /// What the guest does in the end: it goes on as long as it is told to.
    bool is_lost(u32 port) {
        while (*handler_.upcall())
            handler_.run();
        return handler_.test(handler_.pending(), port) && !handler_.test(handler_.mask(), port);
    }

    void orders(const std::string& what) {
        constexpr u32 port = 5, other = 6;
        guest_acts_ = what != "poll";
        if (what == "ring") {  // while the handler is at work for an earlier ring
            play_orders(Handler::steps, [&] { begin(), (void)send(friend_, port); },
                        [&] { (void)send(friend_, port); },
                        [&](unsigned number) { handler_.step(number); },
                        [&] { return is_lost(port); });
        } else if (what == "open") {  // the guest opens its mask by itself, then looks
            play_orders(2, [&] { begin(), handler_.mask(port); },
                        [&] { (void)send(friend_, port); },
                        [&](unsigned number) {
                            if (number == 0)
                                handler_.open(port);
                            else if (handler_.test(handler_.pending(), port))
                                handler_.pending()[0] &= static_cast<u8>(~(1u << port));
                        },
                        [&] { return is_lost(port); });
        } else if (what == "unmask") {  // one vCPU opens a port while the other's handler runs
            play_orders(Handler::steps,
                        [&] {
                            begin(), handler_.mask(port);
                            (void)send(friend_, port), (void)send(friend_, other);
                        },
                        [&] { unmask_port(port); },
                        [&](unsigned number) { handler_.step(number); },
                        [&] { return is_lost(port); });
        } else {  // somebody rings while a vCPU goes to sleep
            play_orders(1, [&] { begin(), handler_.mask(port); },
                        [&] { (void)poll_ports({port}, 1, 0); },
                        [&](unsigned) {
                            EventChannels& events = events_of(guest_);
                            events.abi->set_pending(guest_, port, *events.find(port));
                        },
                        [&] { return vcpu().blocked != Blocked::no; });
        }
    }

    // Stories

    void take(const std::string& step) {
        const size_t colon = step.find(':');
        const std::string word = step.substr(0, colon);
        const std::string rest = colon == step.npos ? "" : step.substr(colon + 1);
        if (word == "narrow") {
            latch_width(guest_, false);
        } else if (word == "ring") {
            (void)send(friend_, number(rest));
        } else if (word == "mask") {
            handler_.mask(number(rest));
        } else if (word == "open") {
            handler_.open(number(rest));
        } else if (word == "unmask") {
            unmask_port(number(rest));
        } else if (word == "look") {
            std::printf(*handler_.upcall() ? "told " : "quiet ");
        } else if (word == "take") {
            handler_.run();
            for (const u32 port : handler_.served())
                std::printf("%u.", port);
            std::printf("%s ", handler_.served().empty() ? "none" : "");
        } else if (word == "poll" || word == "late") {
            print_poll(rest, word == "late" ? 1 : 0);
        } else if (word == "asleep") {
            std::printf(vcpu().blocked != Blocked::no ? "asleep " : "awake ");
        } else if (word == "orders") {
            orders(rest);
        }
    }
    static u32 number(const std::string& text) { return static_cast<u32>(std::stoul(text)); }

    /// Ports with commas between them, or COUNTxPORT.
    void print_poll(const std::string& text, u64 timeout) {
        std::vector<u32> list;
        if (const size_t times = text.find('x'); times != text.npos) {
            list.assign(number(text), number(text.substr(times + 1)));
        } else {
            std::istringstream parts{text};
            for (std::string part; std::getline(parts, part, ',');)
                list.push_back(number(part));
        }
        const s64 answer = poll_ports(list, static_cast<u32>(list.size()), timeout);
        std::printf("%lld/%s ", static_cast<long long>(answer),
                    vcpu().blocked != Blocked::no ? "asleep" : "awake");
    }

    Cpu& cpu_;
    Domain& guest_;
    Domain& friend_;
    Handler handler_;
    bool guest_acts_ = true;  ///< a guest's own steps ask for no lock
};

Domain& make(hosted::HostedMachine& home, Cpu& cpu) {
    xen_domctl_createdomain wish{};
    wish.max_vcpus = 1;
    wish.max_evtchn_port = 1023;
    wish.max_grant_frames = 1;
    wish.grant_opts = XEN_DOMCTL_GRANT_version(1);
    Domain& domain = **create_domain(home.machine(), cpu, 0, wish);
    domain.frames_limit = 512;
    if (!give_ram(domain, Gfn{0}, 9).ok())
        std::abort();
    bring_up(**create_vcpu(domain, 0));
    return domain;
}

}  // namespace

/// A line is a story. What came of it is one line, too.
int main() {
    hosted::HostedMachine home{1, 32};
    home.pass(1'000'000);
    home.as(0, [&](Cpu& cpu) {
        Domain& guest = make(home, cpu);
        Scene scene{cpu, guest, make(home, cpu)};
        for (std::string story; std::getline(std::cin, story);)
            scene.live(story);
    });
}

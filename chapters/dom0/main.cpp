// dom0, the first child: reads its module, opens its shell, and then only ever answers.
#include "consoles/keyboard.hpp"
#include "link/link.hpp"
#include "shell/shell.hpp"

#include <kit/apic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/guest.hpp>
#include <kit/print.hpp>
#include <kit/traps.hpp>

#include <base/panic.hpp>

namespace dom0 {
namespace {

constexpr u8 wake_vector = 0x30;

/// What can wake us. With event channels the doorbells do; before that chapter, a clock.
class Waker {
public:
    void init() {
        apic_init();
        on_trap(wake_vector, [](TrapFrame& frame) {
            end_sleep(frame);
            apic_end_of_interrupt();
        });
        if (!has_events) return apic_timer_periodic(wake_vector, polling_period_ns);
        auto console = bind_virq(VIRQ_CONSOLE);
        auto endings = bind_virq(VIRQ_DOM_EXC);
        if (!events_init(wake_vector) || !console || !endings) panic("dom0 gets no event channels");
        console_port_ = *console;
        endings_port_ = *endings;
    }

    void wake_each_second() {
        if (has_events && !ring_each(1'000'000'000)) panic("dom0 gets no timer");
    }

    /// True when a key may have been pressed since the last time we asked.
    bool typed() { return !has_events || take_pending(console_port_); }

    /// True when a domain may have ended since the last time we asked.
    bool ending() { return !has_events || take_pending(endings_port_); }

    /// Sleeps until something has happened since the last call.
    void wait() {
        interrupts_off();
        if (has_events)
            while (!take_upcall())
                sleep_until_interrupt();
        else
            sleep_until_interrupt();
        if (has_events) clear_doorbells();
    }

private:
    /// We look at everything whenever we wake, so which bell it was does not matter, but for two.
    void clear_doorbells() {
        constexpr u32 word_bits = 64;
        for (u32 word = 0; word < word_bits; word++) {
            xen_ulong_t keep = 0;
            for (u32 port : {console_port_, endings_port_})
                if (port / word_bits == word) keep |= xen_ulong_t{1} << (port % word_bits);
            __atomic_fetch_and(&shared().evtchn_pending[word], keep, __ATOMIC_ACQ_REL);
        }
    }

    static constexpr u64 polling_period_ns = 10'000'000;
    u32 console_port_ = 0, endings_port_ = 0;
};

Archive boot_module() {
    if (guest().modules.empty()) {
        print("dom0: there is no boot module: no files, no rc\n");
        return Archive{{}};
    }
    Archive module{module_bytes(guest().modules[0])};
    const char* why = nullptr;
    if (!module.check(&why)) print("dom0: the boot module is damaged: {}\n", why);
    return module;
}

void live() {
    Files files{boot_module()};
    Household household;
    Steward steward{files, household};
    Shell shell{steward};
    Link link{steward};
    Waker waker;
    waker.init();
    Keyboard keyboard;
    keyboard.init();
    if (link.init()) waker.wake_each_second();
    shell.start();
    for (bool crowded = false;;) {
        // The bell first: who rings while we read rings again
        const bool typed = waker.typed();
        bool busy = link.pump(crowded);
        for (int byte; (byte = console_read()) >= 0; busy = true)
            for (char letter : link.hear(char(byte)))
                shell.key(letter);
        if (typed)
            for (char letter : keyboard.read()) {
                shell.key(letter);
                busy = true;
            }

        std::string said, news;
        crowded = household.pump(shell.attached(), said);
        busy |= crowded;
        if (waker.ending()) household.reap(shell.attached(), said, news);
        shell.hear(said);
        shell.tell(news);
        link.hear_news(news);
        if (!busy && news.empty()) waker.wait();
    }
}

}  // namespace
}  // namespace dom0

void guest_main() {
    using namespace dom0;
    if (auto ready = clock_init(); !ready)
        panic("dom0 gets no shared page: {}", describe(ready.error().code));
    live();
}

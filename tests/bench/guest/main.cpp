// meter: what a guest's own instructions cost it, counted by its TSC: one tick is one instruction
// under `-icount shift=0`, and in Bochs. The same binary runs under any hypervisor of Xen's ABI.
#include "operations.hpp"
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>

/// With `role=answer` only answers another meter, and promises it a page; `role=idle` promises
/// nothing. Else prints a line for each operation and powers off. It waits first, so that its
/// creator has nothing left to do.
void guest_main() {
    using namespace bench;
    constexpr u64 settle = 3'000'000'000;
    interrupts_off();
    if (!clock_init()) hv::panic("no shared page");
    upcall_init();
    const std::string_view role = guest().option("role");
    if (role == "answer") promise_a_page(u16(own_id() + 1));
    if (role == "answer" || role == "idle") answer_pings();
    if (!bind_virq(VIRQ_TIMER)) hv::panic("no timer port");
    doze(settle);
    measure_calls();
    measure_memory();
    measure_events();
    measure_timer();
    measure_grants(u16(own_id() - 1));
    measure_ping_pong();
    measure_siblings();
    Samples::tell();
    shut_down(Shutdown::poweroff);
}

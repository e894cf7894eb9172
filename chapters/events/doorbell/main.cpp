// doorbell: two guests who ring each other, each answering as the reader wrote it.
#include <events/doorbell/doorbell.hpp>
#include <kit/apic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <kit/traps.hpp>

using namespace kit;

// The words are shared_info's own
u64 bell::Word::look() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }
u64 bell::Word::exchange(u64 value) {
    return __atomic_exchange_n(&value_, value, __ATOMIC_SEQ_CST);
}
u64 bell::Word::set(u64 bits) { return __atomic_fetch_or(&value_, bits, __ATOMIC_SEQ_CST); }
u64 bell::Word::clear(u64 bits) { return __atomic_fetch_and(&value_, ~bits, __ATOMIC_SEQ_CST); }
bool bell::Flag::exchange(bool value) {
    return __atomic_exchange_n(&value_, u8{value}, __ATOMIC_SEQ_CST) != 0;
}

namespace {

constexpr u8 vector = 0x60;
constexpr u32 rounds = 300;

constinit bell::Board board{};
constinit u32 port = 0;
constinit volatile u32 heard = 0;

bell::Board shared_board() {
    auto* const words = reinterpret_cast<bell::Word*>(shared().evtchn_pending);
    auto& vcpu = shared().vcpu_info[0];
    return {reinterpret_cast<bell::Flag*>(&vcpu.evtchn_upcall_pending),
            reinterpret_cast<bell::Word*>(&vcpu.evtchn_pending_sel), words,
            reinterpret_cast<bell::Word*>(shared().evtchn_mask)};
}

void give_way() { (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield); }

u16 neighbour() {
    u64 id = 0;
    for (const char digit : guest().option("with"))
        id = id * 10 + u64(digit - '0');
    return u16(id);
}

/// Joins the port that the neighbour keeps open for us, whichever of its first ones that is.
u32 join() {
    for (u32 theirs = 1;; theirs = theirs % 15 + 1) {
        if (auto ours = bind_interdomain(neighbour(), theirs)) return *ours;
        give_way();
    }
}

void mask() { board.mask[port / 64].set(u64{1} << port % 64); }
bool masked() { return (board.mask[port / 64].look() >> port % 64 & 1) != 0; }

/// Opens the port, if it is masked, and answers what waited behind the mask. Interrupts are off.
void open_port() {
    if (masked() && bell::open(board, port)) bell::answer(board);
}

/// Waits for one ring more, in HLT.
void hear() {
    static u32 before = 0;
    interrupts_off();
    open_port();
    while (heard == before) {
        sleep_until_interrupt();
        open_port();
    }
    before = before + 1;
}

void hear_behind_mask() {
    give_way();
    give_way();
    hear();
    mask();
}

void hear_by_poll() { bell::wait_for(board, port); }

/// One rings and waits, the other waits and rings, so that a ring that is lost stops both.
void phase(const char* how, void (*wait)()) {
    const bool first = guest().option("role") == "first";
    for (u32 round = 0; round < rounds; round++) {
        if (first) send_event(port);
        wait();
        if (!first) send_event(port);
    }
    print("doorbell: {} rings {}\n", rounds, how);
}

}  // namespace

void bell::serve(u32 rung) {
    if (rung == port) heard = heard + 1;
}

void bell::sleep_for(u32 rung) {
    evtchn_port_t list = rung;
    sched_poll wish = {};
    set_xen_guest_handle(wish.ports, &list);
    wish.nr_ports = 1;
    (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&wish));
}

/// Options: `role=first|second`, `with=DOMAIN` (the neighbour's number).
void guest_main() {
    if (!clock_init() || !events_init(vector)) {
        print("doorbell: no event channels\n");
        shut_down(Shutdown::crash);
    }
    board = shared_board();
    apic_init();
    on_trap(vector, [](TrapFrame& frame) {
        end_sleep(frame);
        bell::answer(board);
        apic_end_of_interrupt();
    });
    if (guest().option("role") == "first") {
        auto offered = alloc_unbound(DOMID_SELF, neighbour());
        if (offered) port = *offered;
    } else {
        port = join();
    }
    phase("heard by interrupt", hear);
    mask();
    phase("heard behind a mask", hear_behind_mask);
    phase("heard by poll", hear_by_poll);
    for (;;)  // until it is destroyed
        (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
}

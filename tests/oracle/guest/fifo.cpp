// Event channels in queues (xen/event_channel.h, FIFO): pages given, words linked, words taken out.
#include "places.hpp"

#include <kit/clock.hpp>
#include <kit/events.hpp>

namespace oracle {
namespace {

constexpr u32 pending = 1u << EVTCHN_FIFO_PENDING, masked = 1u << EVTCHN_FIFO_MASKED;
constexpr u32 normal = EVTCHN_FIFO_PRIORITY_DEFAULT;
constexpr size_t words_in_page = page_size / sizeof(event_word_t);

alignas(page_size) constinit volatile u8 control_page[page_size] = {};
alignas(page_size) constinit volatile event_word_t event_words[5][words_in_page] = {};

auto& control() { return *reinterpret_cast<volatile evtchn_fifo_control_block*>(control_page); }
volatile event_word_t& word(u32 port) { return event_words[0][port]; }
u64 frame_of(const volatile void* place) { return reinterpret_cast<u64>(place) >> page_shift; }

template <class T> long event(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_event_channel_op, command, address(&argument));
}
long give_control(u32 vcpu, u32 offset, u8* link_bits = nullptr) {
    evtchn_init_control argument = {};
    argument.control_gfn = frame_of(control_page);
    argument.offset = offset;
    argument.vcpu = vcpu;
    const long result = event(EVTCHNOP_init_control, argument);
    if (link_bits != nullptr) *link_bits = argument.link_bits;
    return result;
}
long give_words(u64 frame) {
    evtchn_expand_array argument = {frame};
    return event(EVTCHNOP_expand_array, argument);
}
long prioritise(u32 port, u32 priority) {
    evtchn_set_priority argument = {port, priority};
    return event(EVTCHNOP_set_priority, argument);
}
long unmask(u32 port) {
    evtchn_unmask argument = {port};
    return event(EVTCHNOP_unmask, argument);
}
u32 ipi() {
    evtchn_bind_ipi argument = {0, 0};
    return event(EVTCHNOP_bind_ipi, argument) == 0 ? argument.port : 0;
}

/// What a word says besides its link.
void tell_word(std::string_view name, u32 port) {
    tell("fifo.word", name, hex(word(port) & ~EVTCHN_FIFO_LINK_MASK));
}
bool links_to(u32 port, u32 next) { return (word(port) & EVTCHN_FIFO_LINK_MASK) == next; }
/// The guest's half: every word out of its queue, and nothing pending.
void take_all_out() {
    control().ready = 0;
    for (size_t port = 0; port < words_in_page; port++)
        event_words[0][port] = 0;
    (void)take_upcall();
}

void ask_pages(u32 early) {
    for (size_t i = 0; i < page_size; i++)
        control_page[i] = 0x77;
    u8 link_bits = 0;
    tell("fifo.control", give_control(0, 0, &link_bits));
    tell("fifo.control: link bits", unsigned{link_bits});
    tell("fifo.control: ready", hex(control().ready));
    tell("fifo.control: a head", hex(control().head[3]));
    tell("fifo.control: behind it", hex(control_page[sizeof(evtchn_fifo_control_block)]));
    for (size_t i = 0; i < page_size; i++)
        control_page[i] = 0;
    tell("fifo.control: once more", give_control(0, 0));
    tell("fifo.control: of vCPU 1, in the same page", give_control(1, 2048));
    tell("fifo.control: over the end", give_control(1, page_size - 64));
    tell("fifo.sent before its word", (send_event(early), early != 0));
    tell("fifo.priority before its word", prioritise(early, 3));
    (void)prioritise(early, normal);
    tell("fifo.words: in a hole", give_words(0x70000));
    tell("fifo.words: all ones", give_words(~0ull));
    for (const auto& page : event_words)
        tell("fifo.words", words("page {}", u64(&page - event_words)), give_words(frame_of(&page)));
    tell_word("sent before", early);
    tell("fifo.sent before: at the head", control().head[normal] == early);
    tell("fifo.sent before: ready", hex(control().ready));
}

void ask_links(u32 a, u32 b, u32 c) {
    take_all_out();
    for (const u32 port : {a, b, a})
        send_event(port);
    tell_word("first", a);
    tell_word("second", b);
    tell("fifo.first: at the head", control().head[normal] == a);
    tell("fifo.first: links to the second", links_to(a, b));
    tell("fifo.second: links to none", links_to(b, 0));
    tell("fifo.upcall", take_upcall());
    for (const u32 priority : {0u, 15u, 16u, ~0u, 2u})
        tell("fifo.priority", words("{}", priority), prioritise(c, priority));
    send_event(c);
    tell("fifo.urgent: ready", hex(control().ready));
    tell("fifo.urgent: at its head", control().head[2] == c);
    word(a) = 0;  // taken out, the tail stays
    send_event(a);
    tell("fifo.again: behind the tail", links_to(b, a));
    word(b) = 0;
    word(a) = 0;
    send_event(b);
    tell("fifo.all out: a new head", control().head[normal] == b);
}

void ask_masks(u32 a, u32 b) {
    take_all_out();
    word(a) = masked;
    send_event(a);
    tell_word("masked", a);
    tell("fifo.masked: ready", hex(control().ready));
    tell("fifo.unmask", unmask(a));
    tell_word("unmasked", a);
    tell("fifo.unmasked: ready", hex(control().ready));
    tell("fifo.unmask once more", unmask(a));
    word(b) = masked;
    tell("fifo.unmask, not pending", unmask(b));
    tell_word("unmasked, not pending", b);
    close_port(a);
    tell_word("closed while pending", a);
}

void ask_poll(u32 port) {
    take_all_out();
    word(port) = pending | masked;
    evtchn_port_t ports[] = {port, ~0u};
    sched_poll wish = {};
    set_xen_guest_handle(wish.ports, ports);
    wish.timeout = 1;
    for (const u32 count : {1u, 2u}) {
        wish.nr_ports = count;
        tell("fifo.poll: pending, then wild", words("{} ports", count),
             hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&wish)));
    }
    word(port) = 0;
    tell("fifo.poll: not pending, then wild",
         hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&wish)));
}

/// Every port there is: what the last one is called, and how the next is refused.
void ask_all_ports() {
    u32 last = 0;
    long result = 0;
    while (result == 0) {
        evtchn_alloc_unbound argument = {DOMID_SELF, 0, 0};
        result = event(EVTCHNOP_alloc_unbound, argument);
        if (result == 0) last = argument.port;
    }
    tell("fifo.all ports: the last", last);
    tell("fifo.all ports: one more", result);
    evtchn_bind_ipi one_more = {0, 0};
    tell("fifo.all ports: an IPI more", event(EVTCHNOP_bind_ipi, one_more));
    evtchn_bind_interdomain joined = {DOMID_SELF, last, 0};
    tell("fifo.all ports: one to join with", event(EVTCHNOP_bind_interdomain, joined));
}

}  // namespace

void ask_fifo() {
    if (!clock_init().ok()) return;  // which maps the page with the upcall's byte
    const u32 a = ipi(), b = ipi(), c = ipi();
    tell("fifo.priority before control", prioritise(a, 3));
    ask_pages(a);
    ask_links(a, b, c);
    ask_masks(a, b);
    ask_poll(b);
    ask_all_ports();
    evtchn_reset reset = {DOMID_SELF};
    tell("fifo.reset", event(EVTCHNOP_reset, reset));
    tell("fifo.reset: the first port", ipi());
    tell("fifo.reset: priority of it", prioritise(1, 3));
    tell("fifo.reset: words", give_words(frame_of(event_words[0])));
    tell("fifo.reset: control", give_control(0, 0));
}

}  // namespace oracle

// The FIFO ABI: event words linked into queues by priority, while the guest takes others out.
// Public header xen/event_channel.h; the guest may write anything into these pages at any time.
#include <domains/memory.hpp>
#include <events/ports.hpp>

namespace hv {
namespace {

constexpr u32 pending = 1u << EVTCHN_FIFO_PENDING;
constexpr u32 masked = 1u << EVTCHN_FIFO_MASKED;
constexpr u32 linked = 1u << EVTCHN_FIFO_LINKED;
constexpr u32 busy = 1u << EVTCHN_FIFO_BUSY;

/// The guest's word for `port`; nullptr while it has not given the page.
u32* word_of(Domain& domain, u32 port) {
    EventChannels& events = events_of(domain);
    const u32 page = port / EventChannels::words_per_page;
    if (page >= events.word_pages)
        return nullptr;
    return domain.machine.memory.as<u32>(address_of(events.word_frames[page])) +
           port % EventChannels::words_per_page;
}

u32 load(const u32* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
u32 set_bits(u32* word, u32 bits) { return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST); }
u32 clear_bits(u32* word, u32 bits) { return __atomic_fetch_and(word, ~bits, __ATOMIC_SEQ_CST); }

/// Lets the word at the queue's tail point to `port`. False: the guest has taken that word out, so
/// the queue is empty. It tries a few times, for a guest that keeps changing the word.
bool link_behind(u32* tail, u32 port) {
    for (int tries = 0; tries < 4; ++tries) {
        u32 seen = load(tail);
        if (!(seen & linked))
            return false;
        const u32 wanted = (seen & ~(busy | EVTCHN_FIFO_LINK_MASK)) | port;
        if (__atomic_compare_exchange_n(tail, &seen, wanted, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

/// Where the port was linked last it may still be the tail: that queue is empty now, and whatever
/// were linked behind this word there would land in the queue that it goes to.
void forget_tail(Domain& domain, u32 port, const EventPort& row) {
    Vcpu* const vcpu = domain.find_vcpu(row.queue_vcpu);
    if (vcpu != nullptr && events_of(*vcpu).tails[row.queue] == port)
        events_of(*vcpu).tails[row.queue] = 0;
}

/// Puts the port at the end of its queue. True: the queue was empty, and its vCPU must be told.
bool enqueue(Domain& domain, u32 port, EventPort& row, Vcpu& vcpu) {
    VcpuEvents& queues = events_of(vcpu);
    forget_tail(domain, port, row);
    const u8 queue = row.priority;
    u32& tail = queues.tails[queue];
    u32* const tail_word = tail != 0 ? word_of(domain, tail) : nullptr;
    const bool behind = tail_word != nullptr && tail != port && link_behind(tail_word, port);
    if (!behind)
        __atomic_store_n(&queues.control->head[queue], port, __ATOMIC_SEQ_CST);
    tail = port;
    row.queue = queue;
    row.queue_vcpu = vcpu.id;
    return !behind && !(set_bits(&queues.control->ready, 1u << queue) & 1u << queue);
}

/// Links a pending, unmasked word that is in no queue yet.
void link(Domain& domain, u32 port, EventPort& row, u32* word) {
    // A vCPU without a control block has no queues: its guest may not unmask the event yet
    Vcpu* const vcpu = domain.find_vcpu(row.vcpu);
    if (vcpu == nullptr || events_of(*vcpu).control == nullptr ||
        (load(word) & (masked | linked)) != 0 || (set_bits(word, linked) & linked))
        return;
    clear_bits(word, EVTCHN_FIFO_LINK_MASK);
    if (enqueue(domain, port, row, *vcpu))
        raise_upcall(*vcpu);
}

void set_pending(Domain& domain, u32 port, EventPort& row) {
    u32* const word = word_of(domain, port);
    if (word == nullptr) {
        row.early = true;
        return;
    }
    set_bits(word, pending);
    link(domain, port, row, word);
    wake_pollers(domain, port);
}

bool is_pending(Domain& domain, u32 port) {
    const u32* word = word_of(domain, port);
    return word != nullptr && load(word) & pending;
}

void clear_pending(Domain& domain, u32 port) {
    if (u32* const word = word_of(domain, port))
        clear_bits(word, pending);
}

void unmask(Domain& domain, u32 port, EventPort& row) {
    u32* const word = word_of(domain, port);
    if (word == nullptr)
        return;
    if (clear_bits(word, masked) & pending)
        link(domain, port, row, word);
}

u32 port_limit(const Domain&) { return EventChannels::most_ports; }

}  // namespace

constexpr EventAbi fifo_abi{set_pending, is_pending, clear_pending, unmask, port_limit};

namespace {

/// Takes over the control block of one vCPU; the domain's event lock is held. XEN_EINVAL: it has
/// one.
Result<> adopt_control(Domain& domain, Vcpu& vcpu, Mfn frame, u32 offset) {
    EventChannels& events = events_of(domain);
    VcpuEvents& queues = events_of(vcpu);
    if (queues.control != nullptr)
        return Error{XEN_EINVAL};
    queues.control_frame = frame;
    queues.control = reinterpret_cast<evtchn_fifo_control_block_t*>(
        domain.machine.memory.at(frame) + offset);
    if (events.abi == &fifo_abi)
        return {};

    // What is pending in two-level terms is carried over when its word arrives
    for (u32 port = 1; port < events.limit; ++port)
        if (EventPort* const row = events.find(port))
            row->early |= events.abi->is_pending(domain, port);
    events.abi = &fifo_abi;
    return {};
}

/// Takes over one more page of words; the domain's event lock is held.
Result<> adopt_words(Domain& domain, Mfn frame) {
    EventChannels& events = events_of(domain);
    if (events.abi != &fifo_abi)
        return Error{XEN_EOPNOTSUPP};
    if (events.word_pages == events.word_frames.size())
        return Error{XEN_ENOSPC};
    events.word_frames[events.word_pages++] = frame;

    // Events that came before their word
    const u32 first = (events.word_pages - 1) * EventChannels::words_per_page;
    for (u32 port = first; port < first + EventChannels::words_per_page; ++port) {
        EventPort* const row = events.find(port);
        if (row != nullptr && row->early) {
            row->early = false;
            set_pending(domain, port, *row);
        }
    }
    return {};
}

/// Holds a page of its own RAM that the guest gives for sharing, for as long as we write to it, and
/// lets `adopt` take it over under the event lock; where that refuses, the page is let go.
template <class Adopt>
Result<> hold_and_adopt(Domain& domain, Gfn gfn, Adopt adopt) {
    const Result<Mfn> frame = domain.p2m.hold_own(gfn, domain.id, true);
    if (!frame.ok())
        return Error{XEN_EINVAL};
    Result<> adopted;
    {
        Guard guard{events_of(domain).lock};
        adopted = adopt(*frame);
    }
    if (!adopted.ok())
        end_use(domain.machine, *frame);
    return adopted;
}

}  // namespace

Result<> init_control(Domain& domain, const evtchn_init_control_t& wish) {
    Vcpu* const vcpu = domain.find_vcpu(wish.vcpu);
    if (vcpu == nullptr)
        return Error{XEN_ENOENT};
    if (wish.offset > page_size - sizeof(evtchn_fifo_control_block_t) || wish.offset % 8 != 0)
        return Error{XEN_EINVAL};
    return hold_and_adopt(domain, Gfn{wish.control_gfn}, [&](Mfn frame) {
        return adopt_control(domain, *vcpu, frame, wish.offset);
    });
}

Result<> expand_array(Domain& domain, Gfn gfn) {
    return hold_and_adopt(domain, gfn, [&](Mfn frame) { return adopt_words(domain, frame); });
}

void release_fifo(Domain& domain) {
    // Nobody finds the pages any more once the lock is left; then their uses end
    EventChannels& events = events_of(domain);
    std::array<Mfn, std::tuple_size_v<decltype(events.word_frames)> + max_vcpus> frames{};
    size_t count = 0;
    {
        Guard guard{events.lock};
        for (; events.word_pages > 0; --events.word_pages)
            frames[count++] = events.word_frames[events.word_pages - 1];
        for (Vcpu* vcpu : domain.made_vcpus()) {
            VcpuEvents& queues = events_of(*vcpu);
            if (queues.control == nullptr)
                continue;
            queues.control = nullptr;
            queues.tails = {};
            frames[count++] = queues.control_frame;
        }
        events.abi = &two_level_abi;
    }
    for (size_t i = 0; i < count; ++i)
        end_use(domain.machine, frames[i]);
}

}  // namespace hv

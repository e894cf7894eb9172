// Event channels: a domain's ports, what each is bound to, and the way an event takes.
#pragma once

#include <domains/household.hpp>
#include <xen/event_channel.h>

namespace hv {

/// One port of one domain.
struct EventPort {
    enum class State : u8 { free, reserved, unbound, interdomain, virq, ipi };

    State state = State::free;
    u8 priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    u8 queue = 0;            ///< FIFO: the queue that it was last linked in
    bool early = false;      ///< FIFO: an event came before the guest gave us its word
    u16 vcpu = 0;            ///< the one that is told
    DomainId remote = 0;     ///< unbound: who may bind; interdomain: the other end
    u32 detail = 0;          ///< interdomain: the other end's port; virq: its number
    u16 queue_vcpu = 0;      ///< FIFO: whose queue it was last linked in
};
static_assert(sizeof(EventPort) == 16);

/// How a guest sees its ports: the two ABIs (two_level.cpp, fifo.cpp) differ in these. The domain's
/// event lock is held.
struct EventAbi {
    /// Sets the port pending for its guest and tells its vCPU, unless it is masked or pending
    /// already.
    void (*set_pending)(Domain& domain, u32 port, EventPort& row);
    bool (*is_pending)(Domain& domain, u32 port);
    /// Clears the guest's pending bit of a port that was closed.
    void (*clear_pending)(Domain& domain, u32 port);
    /// The guest opened the mask: an event that waited behind it goes on its way.
    void (*unmask)(Domain& domain, u32 port, EventPort& row);
    /// How many ports the guest's layout has room for.
    u32 (*port_limit)(const Domain& domain);
};
extern const EventAbi two_level_abi, fifo_abi;

/// What chapter events keeps for a domain: its table of ports, and which ABI shows them to its
/// guest.
struct EventChannels {
    static constexpr Chapter chapter = Chapter::events;
    static constexpr u32 ports_per_page = page_size / sizeof(EventPort);
    using Page = std::array<EventPort, ports_per_page>;
    static constexpr u32 most_ports = 4096;   ///< of one domain, whatever its ABI could name

    Spinlock lock{LockRank::chapter};
    std::array<Page*, most_ports / ports_per_page> pages{};
    u32 limit = 0;                 ///< valid ports are 1 to limit - 1
    const EventAbi* abi = &two_level_abi;  ///< until the guest asks for FIFO
    std::atomic<u32> polling{0};   ///< one bit for each vCPU that waits in SCHEDOP_poll

    // FIFO: the guest's pages of event words
    static constexpr u32 words_per_page = page_size / sizeof(event_word_t);
    std::array<Mfn, most_ports / words_per_page> word_frames{};
    u32 word_pages = 0;

    /// The port's row; nullptr while it is beyond the limit or its page was never needed.
    EventPort* find(u32 port);
    /// The same. XEN_EINVAL.
    Result<EventPort*> row(u32 port);
};

/// The time that a vCPU would poll for is over.
void poll_timed_out(Timer& timer, Cpu& cpu);

/// What chapter events keeps for a vCPU.
struct VcpuEvents {
    static constexpr Chapter chapter = Chapter::events;

    explicit VcpuEvents(Vcpu& vcpu) : poll_timer{poll_timed_out, vcpu} {}

    std::array<u32, NR_VIRQS> virq_ports{};  ///< per-vCPU VIRQs; 0: not bound

    // FIFO: the control block that the guest shares, and the tails that it does not see
    Mfn control_frame{};
    evtchn_fifo_control_block_t* control = nullptr;
    std::array<u32, EVTCHN_FIFO_MAX_QUEUES> tails{};

    u32 polled_port = 0;           ///< SCHEDOP_poll: the one that it waits for; 0: any
    VcpuTimer poll_timer;
};

inline EventChannels& events_of(const Domain& domain) { return domain.parts.get<EventChannels>(); }
inline VcpuEvents& events_of(const Vcpu& vcpu) { return vcpu.parts.get<VcpuEvents>(); }

// Ports (ports.cpp); the domain's event lock is held

/// The lowest free port, reserved; its page is taken when it is the first of it. XEN_ENOSPC,
/// XEN_ENOMEM, XEN_EINVAL (the domain is dying).
Result<u32> reserve_port(Domain& domain);
void free_port(EventPort& port);
/// A number for what `domain` calls `port`, bound as `row` says.
Result<u32> bind_port(Domain& domain, const EventPort& row);
/// vcpu_info says that events wait: raises the upcall, the first time.
void raise_upcall(Vcpu& vcpu);

// Across domains; no lock is held

/// Rings the other end of `port`. XEN_EINVAL when it cannot be rung.
Result<> send(Domain& domain, u32 port);
Result<> close_port(Domain& domain, u32 port);
/// Raises a per-vCPU VIRQ, if the vCPU bound it.
void raise_virq(Vcpu& vcpu, u32 virq);
/// Raises a domain-wide one, on the vCPU that bound it.
void raise_global_virq(Domain& domain, u32 virq);
bool is_global(u32 virq);

// FIFO: what a guest gives for it (fifo.cpp); no lock is held

/// A control block for a vCPU; the first turns the domain's ABI from two-level to FIFO.
/// XEN_EINVAL: bad place; XEN_ENOENT: no such vCPU.
Result<> init_control(Domain& domain, const evtchn_init_control_t& wish);
/// One more page of event words.
Result<> expand_array(Domain& domain, Gfn gfn);
/// Lets go of every page that the guest gave; the ABI is two-level again.
void release_fifo(Domain& domain);

/// The hypercall, and SCHEDOP_poll.
Answer event_channel_op(Call& call);
Answer poll(Call& call);
/// Wakes the vCPUs that poll `port`, of which there may be some.
void wake_some_poller(Domain& domain, u32 port);
/// A port of the domain became pending: wakes the vCPUs that poll it.
inline void wake_pollers(Domain& domain, u32 port) {
    if (events_of(domain).polling.load(std::memory_order_seq_cst) != 0) [[unlikely]]
        wake_some_poller(domain, port);
}

namespace events {
extern const Plug plug;
}

}  // namespace hv

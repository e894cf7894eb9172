// The household: every domain of the machine, the scheduler, what the chapters hang on them, and
// where each pCPU is.
#pragma once

#include <domains/domain.hpp>
#include <domains/hypercall.hpp>
#include <domains/scheduler.hpp>
#include <domains/shared_info.hpp>
#include <domains/trace.hpp>
#include <xen/domctl.h>

namespace hv {

/// What a chapter wants of domains and vCPUs; what it does not name does nothing.
struct DomainPlug {
    Chapter chapter;
    /// At birth; see furnish().
    Result<> (*furnish)(Domain& domain, const xen_domctl_createdomain& wish) =
        [](Domain&, const xen_domctl_createdomain&) { return Result<>{}; };
    /// At death, latest first; `again` keeps the domain dying and asks later. It may be called
    /// again whatever it said, and on two pCPUs at once.
    Progress (*release)(Domain& domain) = [](Domain&) { return Progress::done; };
    Result<> (*furnish_vcpu)(Vcpu& vcpu) = [](Vcpu&) { return Result<>{}; };
    void (*release_vcpu)(Vcpu& vcpu) = [](Vcpu&) {};
    /// With its last reference; also of a domain that could not be furnished.
    void (*forget)(Domain& domain) = [](Domain&) {};
    /// A domain shut down, crashed or died: tell who asked to hear.
    void (*shut_down)(Domain& domain) = [](Domain&) {};
    std::span<const HypercallRow> hypercalls{};
    std::span<const PhysmapSpace> physmap_spaces{}; ///< XENMAPSPACE_* that this chapter answers
    std::span<const Resource> resources{};          ///< XENMEM_resource_* that it answers
};

/// The machine's part that chapter `domains` furnishes.
struct Household {
    static constexpr Chapter chapter = Chapter::domains;

    Spinlock list_lock{LockRank::domain_list};
    DomainList domains{};                       ///< by rising id
    DomainId next_id = 1;
    std::atomic<u64> p2ms{1};                   ///< the next one's number, from 1
    Scheduler* scheduler = nullptr;
    std::array<HypercallHandler, hypercall_rows> hypercalls{};
    std::array<PhysmapSpace, 8> physmap_spaces{};
    std::array<const DomainPlug*, chapter_count> plugs{};
    size_t plug_count = 0;
    void (*timer_expired)(Vcpu& vcpu) = nullptr; ///< set by chapter events: VIRQ_TIMER
    Answer (*poll)(Call& call) = nullptr;        ///< set by chapter events: SCHEDOP_poll
};

inline Household& household(Machine& machine) { return machine.parts.get<Household>(); }

/// A walk of a guest's page tables that this pCPU made: where it led, and what it read on its way
/// (guest_memory.cpp).
struct alignas(128) SeenWalk {
    struct Entry {
        const u64* at;  ///< where this pCPU sees it
        u64 value;
        bool stands() const { return __atomic_load_n(at, __ATOMIC_RELAXED) == value; }
    };
    using Trail = std::array<Entry, 4>;

    u64 generation = 0;         ///< of the p2m, when it was made; 0: never
    u64 page = 0;               ///< the number of the guest's virtual page
    bool to_write = false;      ///< it was made to write there
    x86::PagingState paging{};
    Trail trail{};              ///< every entry that it read, the first again where it had fewer
    u8* target = nullptr;       ///< where this pCPU sees the page

    /// True when it came by one of the `bytes` from `start` on, as this pCPU sees them.
    bool touches(const u8* start, u64 bytes) const {
        const auto in = [&](const void* at) {
            return static_cast<u64>(static_cast<const u8*>(at) - start) < bytes;
        };
        return in(target) || in(trail[0].at) || in(trail[1].at) || in(trail[2].at) ||
               in(trail[3].at);
    }

    /// True when it is a walk to that page, to write if that is wished, with the p2m as it is now.
    bool leads_to(u64 number, u64 in, bool write) const {
        return page == number && generation == in && (to_write || !write);
    }
    /// True when it would end there again: in the same paging, past entries that all stand as they
    /// stood.
    bool stands(const x86::PagingState& now) const {
        return paging == now && trail[0].stands() && trail[1].stands() && trail[2].stands() &&
               trail[3].stands();
    }
};

/// What one pCPU shows the others of where it is. The pCPU's part that chapter `domains` furnishes.
struct Whereabouts {
    static constexpr Chapter chapter = Chapter::domains;

    std::array<SeenWalk, 8> seen{};       ///< for this pCPU alone (guest_memory.cpp)
    Vcpu* current = nullptr;              ///< the vCPU whose registers are on this pCPU
    std::atomic<u64> inside{0};           ///< the generation at entry of the p2m whose guest it
                                          ///< executes, or whose memory it copies; 0: of none
    u64 idle_time = 0;                    ///< ns that nobody ran here
    Timer slice;                          ///< ends a vCPU's turn
    u64 slice_end = 0;                    ///< when: ns of machine time

    Whereabouts();

    /// Where the walk to a guest's page is remembered. By the p2m's number, too: two domains may be
    /// one program, with the same pages.
    SeenWalk& walk_of(u64 page, u64 generation) {
        return seen[(page + (generation >> 32)) % seen.size()];
    }
};

inline Whereabouts& whereabouts(const Cpu& cpu) { return cpu.parts.get<Whereabouts>(); }

/// Says, while it lives, that this pCPU is in the guest whose p2m this is, or in a copy from its
/// memory: a shootdown waits for us. Every change made before `generation` was read is seen by a
/// flush at this entry; every later one finds us inside. No lock is taken inside.
class Inside {
public:
    Inside(Whereabouts& there, const P2m& p2m) : here{there} {
        // First say where we go, then read again: whoever raises it between the two sees us
        here.inside.store(p2m.generation(), std::memory_order_seq_cst);
        generation = p2m.generation();
    }
    ~Inside() { here.inside.store(0, std::memory_order_release); }
    Inside(const Inside&) = delete;

    Whereabouts& here;
    u64 generation;  ///< of the p2m; a generation belongs to one domain
};

/// Raises the generation of `domain`'s p2m and returns when no pCPU runs its guest with an older
/// one. Returns the generation that ended.
u64 shoot_down(Domain& domain);

/// A chapter joins the household; from its Plug::open, before any domain exists.
void join(Machine& machine, const DomainPlug& plug);

/// The domain with that number, kept in being while the reference lives.
DomainRef find_domain(Machine& machine, DomainId id);
/// The one with the smallest number at or above `id`.
DomainRef next_domain(Machine& machine, DomainId id);

// Life (life.cpp). All may be called on any pCPU; none waits.

/// A new domain, paused, with no memory and no vCPU. XEN_EEXIST, XEN_ENOMEM, XEN_EINVAL.
Result<DomainRef> create_domain(Machine& machine, Cpu& cpu, DomainId id,
                                const xen_domctl_createdomain& wish);
void pause(Domain& domain);
Result<> unpause(Domain& domain);
/// Frames for the engine's control blocks.
x86::FrameSource frame_source(Machine& machine);
/// True when no vCPU of it is on a pCPU any more.
bool stands_still(const Domain& domain);
/// The guest (or its toolstack) ends it; `reason` is SHUTDOWN_*.
void shut_down(Cpu& cpu, Domain& domain, u8 reason);
/// The guest did what it may not: says why, with its registers, and shuts it down as crashed.
void crash(Cpu& cpu, Vcpu& vcpu, std::string_view why);
/// Takes a domain apart a piece at a time; `again` while there is more to do. The caller holds a
/// reference.
Progress destroy(Cpu& cpu, Domain& domain);
/// Ends a domain that nobody refers to any more.
void forget(Domain& domain);
/// Takes a domain that was taken apart off the list, once no frame of it is held by another.
void bury_if_free(Domain& domain);
/// A check in long work: takes pending interrupts, and says whether something else wants this pCPU.
/// No lock may be held.
bool wanted_elsewhere(Cpu& cpu);

/// While it lives, no vCPU of the domain runs. Making one waits until each has left its pCPU, which
/// a kick makes short. For a call of the privileged domain about another: two that waited for each
/// other would wait for ever.
class [[nodiscard]] Stillness {
public:
    Stillness(Cpu& cpu, Domain& domain) : domain_{domain} {
        pause(domain);
        while (!stands_still(domain))
            (void)wanted_elsewhere(cpu);  // our own interrupts come in while we wait
    }
    ~Stillness() noexcept(false) { (void)unpause(domain_).ok(); }
    Stillness(const Stillness&) = delete;
    Stillness& operator=(const Stillness&) = delete;

private:
    Domain& domain_;
};

// vCPUs (vcpu.cpp)

/// In the order of their numbers.
Result<Vcpu*> create_vcpu(Domain& domain, u16 id);
void destroy_vcpu(Vcpu& vcpu);
/// Keeps Xen's account of what the vCPU did until `now`, and says what it does from there on. Only
/// its pCPU may call it, or, while it runs on none, who holds the scheduler's lock.
void account(Vcpu& vcpu, int state, u64 now);
/// It has this pCPU from `now` on, until end_turn(). Its registers may lie elsewhere.
inline void begin_turn(Cpu& cpu, Vcpu& vcpu, u64 slice, u64 now) {
    Whereabouts& here = whereabouts(cpu);
    here.current = &vcpu;
    account(vcpu, RUNSTATE_running, now);
    runstate_changed(vcpu);
    trace(cpu, vcpu_scheduled, vcpu);
    here.slice_end = now + slice;
    if (here.slice.armed_on == nullptr || here.slice.deadline > here.slice_end)
        cpu.timers.arm(cpu, here.slice, here.slice_end);
}
inline void end_turn(Cpu& cpu, Vcpu& vcpu, u64 now) {
    if (traces(cpu, trace_turns)) [[unlikely]]
        trace(cpu, vcpu.blocked != Blocked::no ? vcpu_blocked : vcpu_put_away, vcpu);
    account(vcpu, vcpu.may_run()                 ? RUNSTATE_runnable
                  : vcpu.blocked != Blocked::no ? RUNSTATE_blocked
                                                 : RUNSTATE_offline, now);
    whereabouts(cpu).current = nullptr;
    household(*cpu.machine).scheduler->put_back(cpu, vcpu);
}
/// A vCPU is blocked no more. Any pCPU; interrupts may be off.
inline void woken(Vcpu& vcpu) {
    trace(this_cpu(), vcpu_woken, vcpu);
    household(vcpu.domain.machine).scheduler->wake(vcpu);
}
/// An event came: a blocked vCPU may run again.
inline void unblock(Vcpu& vcpu) {
    if (vcpu.blocked.exchange(Blocked::no, std::memory_order_acq_rel) != Blocked::no)
        woken(vcpu);
}
/// Something may be deliverable: sets attention, unblocks, and kicks the pCPU it runs on.
void notify(Vcpu& vcpu, u32 attention_bits);
/// Its vcpu_info says that events wait: interrupts it in the way that its guest asked for.
inline void interrupt_for_events(Vcpu& vcpu) {
    if (vcpu.upcall_vector != 0)
        vcpu.apic.raise(vcpu.upcall_vector);
    else
        notify(vcpu, attention_upcall);
}
/// Takes the vCPU off its pCPU until something wakes it.
void block(Cpu& cpu, Vcpu& vcpu);
/// Disarms every timer of the vCPU, its local APIC's included.
void cancel_timers(Vcpu& vcpu);

/// True while the guest's own flag says that events wait and a callback vector was asked for
/// (HVM_PARAM_CALLBACK_IRQ): this upcall is level-triggered and passes the local APIC by.
inline bool upcall_waits(const Vcpu& vcpu) {
    return vcpu.domain.callback_vector != 0 &&
           __atomic_load_n(&vcpu.info->abi.evtchn_upcall_pending, __ATOMIC_ACQUIRE) != 0;
}

/// The vector to deliver next, or -1.
inline int next_vector(Vcpu& vcpu) {
    return upcall_waits(vcpu) ? vcpu.domain.callback_vector : vcpu.apic.deliverable();
}

/// True when a blocked vCPU should wake: something waits for it.
inline bool has_something_to_take(Vcpu& vcpu) {
    return (vcpu.attention.load(std::memory_order_seq_cst) & attention_nmi) != 0 ||
           next_vector(vcpu) >= 0;
}

/// Runs vCPUs on this pCPU for ever, with the engine that the machine chose. Interrupts are off.
[[noreturn]] void work(Cpu& cpu);

/// Makes dom0 from the file `dom0` of the boot module and lets it run: BootOptions::dom0_mebibytes
/// of RAM at 16 MiB, where gfn = mfn; the whole module, moved to its top, as its one PVH module.
/// Whatever is in the way is said in one line on the console. On the boot pCPU, once.
Result<> build_dom0(Machine& machine, Cpu& cpu);

namespace domains {
extern const Plug plug;
}

}  // namespace hv

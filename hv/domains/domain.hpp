// Domains and their vCPUs: what they are made of, and the states they pass through.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boot/machine.hpp>
#include <domains/local_apic.hpp>
#include <domains/p2m.hpp>
#include <domains/policy.hpp>
#include <domains/fpu_state.hpp>
#include <xen/xen.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

namespace hv {

struct Domain;
struct Vcpu;

inline constexpr size_t max_vcpus = 32;

/// Why a vCPU should look around before it enters its guest again; bits of Vcpu::attention.
enum VcpuAttention : u32 {
    attention_interrupt = 1 << 0,  ///< its local APIC may have something to deliver
    attention_nmi = 1 << 1,
    attention_upcall = 1 << 2,     ///< its upcall may wait, or what waited may be delivered now
};

/// The memory type range registers, kept for the guest to read back; the nested tables decide.
struct MtrrState {
    u64 default_type = 0xc00;          ///< enabled, with fixed ranges, default uncached
    std::array<u64, 11> fixed{};
    std::array<u64, 16> variable{};
};

/// A vcpu_info where its guest put it: 32-bit code aligns it to 4 bytes. Its layout is the same up
/// to `arch`: see shared_info.hpp.
struct [[gnu::packed, gnu::aligned(4)]] PlacedVcpuInfo {
    vcpu_info_t abi;
};

/// Whether a vCPU sleeps of its own will, and what it said it waits for.
enum class Blocked : u8 {
    no,
    for_interrupt,  ///< HLT, SCHEDOP_block
    for_port,       ///< SCHEDOP_poll: an interrupt wakes it, too
};

/// A virtual CPU: one processor as a guest sees it, and its place in the scheduler's queue.
struct Vcpu : boost::intrusive::list_base_hook<> {
    Vcpu(Domain& owner, u16 number);

    x86::VirtualCpu hardware{};        ///< registers and control block: the engine's half
    Domain& domain;
    const u16 id;
    std::atomic<u32> attention{0};     ///< VcpuAttention
    LocalApic apic;
    FpuState fpu{};
    MtrrState mtrr{};

    // What keeps it from running: it may run when all of these are clear
    std::atomic<Blocked> blocked{Blocked::no};
    std::atomic<bool> down{true};      ///< not brought up yet, or taken down by its guest
    std::atomic<u32> pauses{0};        ///< how many reasons hold it, besides its domain's
    bool initialised = false;          ///< somebody gave it a state to start from
    bool waits_for_start_up = false;   ///< an INIT message came

    // The scheduler's half, changed under its lock
    bool queued = false;
    std::atomic<bool> running{false};  ///< on a pCPU now, or its registers are not put away yet
    std::atomic<u16> cpu{0};           ///< where it runs, or ran last; set before `running`
    u32 affinity = ~0u;                ///< one bit for each pCPU that it may run on
    vcpu_runstate_info_t runstate{};   ///< Xen's account: running, runnable, blocked, offline

    // What the guest shares with us
    Mfn info_frame{};                  ///< the frame that holds its vcpu_info; 0 while it has none
    PlacedVcpuInfo* info = nullptr;
    u64 flushed_generation = 0;        ///< the p2m's generation at the last flush of its
                                       ///< translations
    u8 upcall_vector = 0;              ///< HVMOP_set_evtchn_upcall_vector, through the local APIC;
                                       ///< 0: none
    u64 runstate_area = 0;             ///< guest virtual address of its copy of runstate; 0: none
    u64 time_area = 0;                 ///< the same for a second copy of its vcpu_time_info
    u64 time_shown_until = 0;          ///< from then on (ns) its guest is shown the time anew
    VcpuTimer singleshot;              ///< VCPUOP_set_singleshot_timer
    VcpuTimer periodic;                ///< VCPUOP_set_periodic_timer, every `period` ns
    u64 period = 0;
    TextBuffer<120> port_line{};   ///< what it has written to port 0xe9 since the last newline
    Parts parts{};                     ///< what later chapters keep for a vCPU

    /// True when nothing keeps it from running.
    bool may_run() const;
};

/// Where a domain stands in its life. It only ever moves down this list.
enum class Life : u8 {
    building,      ///< created, paused by its toolstack, not yet complete
    alive,
    shut_down,     ///< said SCHEDOP_shutdown, or crashed; kept for whoever asks why
    dying,         ///< being taken apart, or held by something unreleased
    dead,          ///< everything is back; the row will go with the last reference
};

/// A domain: what the hypervisor keeps for one guest.
struct Domain : boost::intrusive::list_base_hook<> {
    Domain(Machine& home, DomainId number);

    Machine& machine;
    const DomainId id;
    xen_domain_handle_t handle{};
    bool privileged = false;           ///< dom0: it may ask for other domains
    bool wide_shared_info = true;      ///< the 64-bit layout of what is shared; latched as on Xen
    std::atomic<u32> references{2};    ///< lifetime: one is the list's, one its maker's, and each
                                       ///< user holds one more. Its vCPUs, tables and parts last
                                       ///< as long; only its RAM goes before

    Spinlock lock{LockRank::domain};
    std::atomic<Life> life{Life::building};
    static constexpr u8 no_reason = 0xff;
    u8 shutdown_reason = no_reason;    ///< SHUTDOWN_*, when shut_down or later, or noted before
    std::atomic<u32> pauses{1};        ///< a new domain is paused once: its toolstack unpauses it
    bool paused_by_toolstack = true;
    u64 paused_at = 0;                 ///< machine time when the last pause began: the guest's gap
    u64 paused_total = 0;              ///< ns that it has stood paused, and does not know of

    P2m p2m;
    std::atomic<u64> frames_owned{0};  ///< frames of RAM that are its own
    Mfn orphans{};                     ///< owned but nowhere in the p2m, linked by their rows; 0:
                                       ///< none
    u64 frames_limit = 0;              ///< XEN_DOMCTL_max_mem

    u16 vcpu_limit = 0;
    std::atomic<u16> vcpu_count{0};    ///< how many are made: numbers 0 upwards
    std::array<Vcpu*, max_vcpus> vcpus{};
    std::span<Vcpu* const> made_vcpus() const { return {vcpus.data(), vcpu_count.load()}; }
    /// nullptr when there is none with that number.
    Vcpu* find_vcpu(u32 number) const { return number < vcpu_count ? vcpus[number] : nullptr; }
    Mfn shared_info_frame{};
    std::atomic<bool> taken_apart{false}; ///< dying, and nothing is left but frames that others
                                          ///< hold
    std::array<u64, HVM_NR_PARAMS> params{};
    u8 callback_vector = 0;            ///< HVM_PARAM_CALLBACK_IRQ of vector type; 0: none
    CpuPolicy policy{};                ///< CPUID and MSRs as its guest sees them
    bool runstate_update_flag = false; ///< VMASST_TYPE_runstate_update_flag
    u64 tsc_offset = 0;
    Mfn memory_map_frame{};            ///< XENMEM_set_memory_map's copy: e820 entries
    u32 memory_map_entries = 0;

    u64 hypercalls = 0, exits = 0;     ///< counted on the way, told by dmesg and the trace

    Parts parts{};                     ///< what later chapters keep for a domain
    alignas(u64) std::array<u8, KiB> room{};  ///< and where: the rest of its frame
    size_t room_taken = 0;
};
static_assert(sizeof(Domain) <= page_size);

/// Makes a chapter's part of a new domain, which goes with the domain.
template <class Part>
Part& furnish(Domain& domain) {
    static_assert(std::is_trivially_destructible_v<Part> && alignof(Part) <= alignof(u64));
    if (domain.room_taken + sizeof(Part) > domain.room.size())
        panic("no room in a domain's frame for {} bytes more", sizeof(Part));
    Part* const made = new (&domain.room[domain.room_taken]) Part();
    domain.room_taken += align_up(sizeof(Part), alignof(u64));
    domain.parts.furnish(made);
    return *made;
}

inline bool Vcpu::may_run() const {
    return blocked.load() == Blocked::no && !down.load() && pauses.load() == 0 &&
           domain.pauses.load() == 0 && domain.life.load() <= Life::alive;
}

/// Notes an event whose first two fields are the domain's number and the vCPU's.
inline void trace(Cpu& cpu, const TraceEvent& event, const Vcpu& vcpu, u64 c = 0, u64 d = 0) {
    if (traces(cpu, event.bit())) [[unlikely]]
        note(cpu, event, vcpu.domain.id, vcpu.id, vcpu.domain.id, vcpu.id, c, d);
}

using DomainList = boost::intrusive::list<Domain>;

/// A reference that keeps a domain's memory in being; empty when there is no such domain.
class [[nodiscard]] DomainRef {
public:
    DomainRef() = default;
    explicit DomainRef(Domain* domain) : domain_{domain} {}
    DomainRef(DomainRef&& other) : domain_{other.domain_} { other.domain_ = nullptr; }
    DomainRef& operator=(DomainRef&& other) {
        std::swap(domain_, other.domain_);
        return *this;
    }
    ~DomainRef() noexcept(false) {
        if (domain_ != nullptr)  // NOLINT: clang-tidy 14 destroys what a TRY has yet to make
            let_go();
    }
    Domain* operator->() const { return domain_; }
    Domain& operator*() const { return *domain_; }
    explicit operator bool() const { return domain_ != nullptr; }

private:
    void let_go();

    Domain* domain_ = nullptr;
};

/// One reference more to a domain that stays in being meanwhile.
inline DomainRef hold(Domain& domain) {
    domain.references.fetch_add(1, std::memory_order_relaxed);
    return DomainRef{&domain};
}

}  // namespace hv

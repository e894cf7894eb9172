// The household: every domain of the machine, the scheduler, and what the chapters hang on them.
#pragma once

#include <domains/domain.hpp>
#include <domains/hypercall.hpp>
#include <domains/scheduler.hpp>
#include <xen/domctl.h>

namespace hv {

/// What a later chapter wants of domains and vCPUs. Each pointer may be nullptr.
struct DomainPlug {
    Chapter chapter;
    Result<> (*furnish)(Domain& domain, const xen_domctl_createdomain& wish); ///< at birth; undone
                                                                              ///< by `forget`
    /// At death, latest first; `again` keeps the domain dying and asks later. It may be called
    /// again whatever it said, and on two pCPUs at once.
    Progress (*release)(Domain& domain);
    /// With the last reference: what `furnish` made goes. It may have made nothing.
    void (*forget)(Domain& domain);
    Result<> (*furnish_vcpu)(Vcpu& vcpu);
    void (*release_vcpu)(Vcpu& vcpu);
    void (*shut_down)(Domain& domain);   ///< a domain shut down, crashed or died: tell who asked to
                                         ///< hear
    std::span<const HypercallRow> hypercalls;
    std::span<const PhysmapSpace> physmap_spaces; ///< XENMAPSPACE_* that this chapter answers
};

/// The machine's part that chapter `domains` furnishes.
struct Household {
    static constexpr Chapter chapter = Chapter::domains;

    Spinlock list_lock{LockRank::domain_list};
    DomainList domains{};                       ///< by rising id
    DomainId next_id = 1;
    std::atomic<u64> p2ms{0};                   ///< made so far: the upper half of a generation
    Scheduler* scheduler = nullptr;
    std::array<HypercallHandler, hypercall_rows> hypercalls{};
    std::array<PhysmapSpace, 8> physmap_spaces{};
    std::array<const DomainPlug*, chapter_count> plugs{};
    size_t plug_count = 0;
    void (*timer_expired)(Vcpu& vcpu) = nullptr; ///< set by chapter events: VIRQ_TIMER
    Answer (*poll)(Call& call) = nullptr;        ///< set by chapter events: SCHEDOP_poll
};

inline Household& household(Machine& machine) { return machine.parts.get<Household>(); }

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

// vCPUs
/// In the order of their numbers.
Result<Vcpu*> create_vcpu(Domain& domain, u16 id);
void destroy_vcpu(Vcpu& vcpu);
/// An event came: a blocked vCPU may run again. Any pCPU; interrupts may be off.
void unblock(Vcpu& vcpu);
/// Something may be deliverable: sets attention, unblocks, and kicks the pCPU it runs on.
void notify(Vcpu& vcpu, u32 attention_bits);
/// Takes the vCPU off its pCPU until something wakes it.
void block(Cpu& cpu, Vcpu& vcpu);

}  // namespace hv

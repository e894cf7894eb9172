// How the machine is put together: RAM, pCPUs, the chapters in their order, and a dom0 that waits.
#include "machine.hpp"
#include <domains/memory.hpp>
#include <domains/shared_info.hpp>
#include <domains/vcpu_start.hpp>
#include <events/ports.hpp>
#include <grants/grant_table.hpp>
#include <xen/domctl.h>
#include <xen/sched.h>

namespace hv::hosted {
namespace {

constexpr const Plug* plugs[] = {&domains::plug, &grants::plug, &events::plug};
constexpr u64 first_free = 0x100;          // the first MiB is nobody's, as on a real machine
constexpr u64 ticks_per_second = 2'400'000'000;
constexpr u64 wall_clock = 1'790'000'000;  // always the same day, so that runs repeat
constexpr u64 dom0_frames = 512;
constexpr u64 ring_bytes = 256 * KiB;      // as on metal, where no option says otherwise

void must(const char* what, bool ok) {
    if (!ok)
        panic("this machine cannot start: no memory for {}", what);
}

}  // namespace

HostedMachine::HostedMachine(unsigned cpus, u64 mebibytes)
    : ram_{static_cast<u8*>(std::aligned_alloc(2 * MiB, mebibytes * MiB))},
      rows_(mebibytes * MiB >> page_shift), machine_{std::make_unique<Machine>()} {
    if (!ram_)
        throw std::bad_alloc{};
    machine_->memory = PhysicalMemory{ram_.get(), mebibytes * MiB};
    machine_->frames.lay_out(machine_->memory, rows_.data(), rows_.size());
    machine_->frames.add(Mfn{first_free}, rows_.size() - first_free);
    machine_->clock.calibrate(ticks_per_second);
    machine_->clock.wall_seconds = wall_clock;
    machine_->engine = &paper_engine;
    machine_->plugs = plugs;
    machine_->cpu_count = static_cast<u16>(cpus);
    for (u16 number = 0; number < cpus; ++number) {
        Cpu& made = *cpus_.emplace_back(std::make_unique<Cpu>());
        made.machine = machine_.get();
        made.number = number;
        made.online = true;
        machine_->cpus[number] = &made;
    }
    lay_rings();
    as(0, [&](Cpu&) {
        open_chapters();
        make_dom0();
    });
    collect();
}

Cpu& HostedMachine::cpu(u16 number) { return *cpus_.at(number); }

/// As on metal, a ring for each pCPU, end to end, in frames that dom0 may be shown.
void HostedMachine::lay_rings() {
    machine_->trace_bytes = ring_bytes;
    const u64 frames = cpus_.size() * ring_bytes >> page_shift;
    const auto block = machine_->frames.take(owner_hypervisor,
                                             static_cast<u8>(std::bit_width(frames - 1)));
    must("the trace", block.ok());
    machine_->trace_rings = address_of(*block);
    for (u64 i = 0; i < frames; ++i)
        machine_->frames.row(Mfn{block->value + i}).uses = 1;
    for (const auto& each : cpus_)
        open_trace(*each, machine_->memory.at(*block) + each->number * ring_bytes, ring_bytes);
}

void HostedMachine::open_chapters() {
    for (const Plug* plug : plugs) {
        must("a chapter", plug->open(*machine_, cpu(0)).ok());
        for (const auto& each : cpus_)
            must("a pCPU", plug->open_cpu == nullptr || plug->open_cpu(*each).ok());
    }
}

void HostedMachine::make_dom0() {
    xen_domctl_createdomain wish{};
    wish.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    wish.max_vcpus = 1;
    wish.max_evtchn_port = 1023;
    wish.max_grant_frames = 64;
    wish.max_maptrack_frames = 1024;
    wish.grant_opts = XEN_DOMCTL_GRANT_version(1);
    wish.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    household(*machine_).next_id = 0;  // the next free number is then dom0's
    const auto made = create_domain(*machine_, cpu(0), 0, wish);
    must("dom0", made.ok());
    Domain& dom0 = **made;
    dom0.privileged = true;
    dom0.frames_limit = dom0_frames;
    dom0.p2m.pool = machine_->frames.frame_count();
    must("dom0's RAM", give_ram(dom0, Gfn{0}, 9).ok());
    show_wall_clock(dom0);
    must("dom0's vCPU", create_vcpu(dom0, 0).ok());
    boot(0, 0);
    dom0.paused_by_toolstack = false;
    must("dom0", unpause(dom0).ok());
}

void HostedMachine::boot(DomainId id, u16 vcpu) {
    about(id, [&](Domain& domain) {
        bring_up(*domain.vcpus.at(vcpu));
        domain.vcpus[vcpu]->blocked.store(Blocked::for_interrupt);
        household(*machine_).scheduler->sleep(*domain.vcpus[vcpu]);
    });
}

void HostedMachine::wake(DomainId id, u16 vcpu) {
    about(id, [&](Domain& domain) { unblock(*domain.vcpus.at(vcpu)); });
}

void HostedMachine::crash(DomainId id) {
    about(id, [&](Domain& domain) { shut_down(this_cpu(), domain, SHUTDOWN_crash); });
    collect();
}

void HostedMachine::ask_for(u32 bits) {
    machine_->traced = bits;
    for (const auto& each : cpus_)
        set_traced(*each);
}

void HostedMachine::collect() {
    for (const auto& each : cpus_) {
        TraceRing& ring = *each->trace;
        u64& from = collected_[each->number];
        if (ring.written - from > ring.capacity) {
            lost_ += ring.written - from - ring.capacity;
            from = ring.written - ring.capacity;
        }
        for (; from < ring.written; ++from)
            records_.push_back(ring.at(from));
    }
}

}  // namespace hv::hosted

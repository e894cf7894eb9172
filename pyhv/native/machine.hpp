// A whole machine in this process: RAM, pCPUs, the chapters that there are, and dom0; whoever
// drives it says which pCPU acts, and when.
#pragma once

#include <boot/hosted/twin.hpp>
#include <cstdlib>
#include <deque>
#include <domains/household.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hv::hosted {

/// An engine without a processor: what is written is read again. Its nested tables are EPT's.
extern const x86::EngineOperations paper_engine;

/// A broken invariant of the hypervisor's: this machine is dead, and only can be let go.
class Dead : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A request that cannot be met, in one line: no such domain, pCPU, or memory.
class NoDomain : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};
class NoMemory : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A vCPU, by the two numbers that name it.
using Who = std::pair<DomainId, u16>;

class HostedMachine {
public:
    HostedMachine(unsigned cpus, u64 mebibytes);
    HostedMachine(const HostedMachine&) = delete;

    Machine& machine() { return *machine_; }
    const std::string& death() const { return death_; }  ///< why it is dead; empty: it lives
    /// Does `work` as pCPU `number`. A panic in it marks the machine dead; from then on: Dead.
    template <class Work>
    auto as(u16 number, Work&& work);
    /// The same for work about a domain, as the first pCPU. NoDomain.
    template <class Work>
    auto about(DomainId id, Work&& work);

    // Turns (turns.cpp): what a pCPU does between two crossings into a guest

    /// The vCPU whose turn it is on that pCPU; none: nobody wants to run there.
    std::optional<Who> turn(u16 cpu);
    /// That vCPU executes a hypercall, or goes on with one; no answer: it is to go on later.
    std::optional<s64> hypercall(u16 cpu, u64 number, const std::array<u64, 6>& arguments);
    std::optional<s64> go_on(u16 cpu);
    /// That vCPU executes HLT.
    void halt(u16 cpu);
    /// Puts away whatever runs, on every pCPU.
    void rest();
    /// Time goes on by `ns`, and every timer that is due rings.
    void pass(u64 ns);
    /// How long until the next timer rings, in ns; none: none will.
    std::optional<u64> until_next_timer();
    /// A hypercall by dom0's vCPU in the toolstack's name, finished before it returns.
    s64 ask(u64 number, const std::array<u64, 6>& arguments);

    /// Gives a vCPU its first state and lets it halt: it runs when it has a program.
    void boot(DomainId id, u16 vcpu);
    /// The vCPU's program begins: as an interrupt does, this ends its HLT.
    void wake(DomainId id, u16 vcpu);
    /// Its program made a mistake that it cannot go on from.
    void crash(DomainId id);

    // The trace

    /// Moves what the pCPUs have noted since the last time out of their rings.
    void collect();
    const std::vector<TraceRecord>& records() const { return records_; }
    /// TraceBit: what the pCPUs note from now on.
    void ask_for(u32 bits);
    u64 lost() const { return lost_; }  ///< records that were overwritten before that

private:
    Cpu& cpu(u16 number);
    void lay_rings();
    void open_chapters();
    void make_dom0();
    void put_away(Cpu& cpu);
    std::optional<s64> execute(Cpu& cpu, Vcpu& vcpu);

    struct Free {
        void operator()(u8* block) const { std::free(block); }
    };
    std::unique_ptr<u8, Free> ram_;
    std::vector<FrameRow> rows_;
    std::unique_ptr<Machine> machine_;
    std::deque<std::unique_ptr<Cpu>> cpus_;
    std::string death_;

    std::vector<TraceRecord> records_;
    std::array<u64, max_cpus> collected_{};
    u64 lost_ = 0;
};

template <class Work>
auto HostedMachine::as(u16 number, Work&& work) {
    if (!death_.empty())
        throw Dead{death_};
    Cpu& acting = cpu(number);
    play(&acting);
    try {
        return work(acting);
    } catch (const Panic& panic) {
        // Its locks are let go of by now: only this machine is lost
        death_ = panic.what();
        collect();
        throw Dead{death_};
    }
}

template <class Work>
auto HostedMachine::about(DomainId id, Work&& work) {
    return as(0, [&](Cpu&) {
        const DomainRef domain = find_domain(*machine_, id);
        if (!domain)
            throw NoDomain{"there is no d" + std::to_string(id) +
                           " any more: hv.domains lists those that there are"};
        return work(*domain);
    });
}

}  // namespace hv::hosted

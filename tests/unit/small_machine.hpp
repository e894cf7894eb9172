// A machine in a test's memory: one pCPU, RAM, an engine that only keeps registers, and domains.
#pragma once

#include <cstdlib>
#include <deque>
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <gtest/gtest.h>
#include <memory>
#include <vector>
#include <xen/domctl.h>

namespace hv::test {

/// An engine without a processor: what is written is read again.
extern const x86::EngineOperations paper_engine;

/// A whole machine, with the calls of chapter `domains`. Everything dies with it.
class SmallMachine {
public:
    explicit SmallMachine(u64 ram = 64 * MiB, unsigned cpus = 1);
    ~SmallMachine();

    Machine& machine() { return *machine_; }
    Cpu& cpu() { return *cpus_[0]; }

    /// A domain with `mib` (even) of RAM at 0 and one unpaged vCPU; the first is dom0, privileged.
    Domain& add_domain(u64 mib = 2);

    /// A hypercall by `caller`'s vCPU 0, from 64-bit code unless told; called again until done.
    s64 call(Domain& caller, unsigned number, std::array<u64, 6> arguments, bool wide = true);
    /// The same with a structure at guest address `at`, copied there before and back after.
    template <class T>
    s64 call_with(Domain& caller, unsigned number, u64 operation, T& structure, u64 at = 0x8000) {
        put(caller, at, structure);
        const s64 result = call(caller, number, {operation, at});
        get(caller, at, structure);
        return result;
    }
    s64 domctl(Domain& caller, xen_domctl_t& op);

    /// The domain's memory by guest physical address.
    u8* at(Domain& domain, u64 address);
    template <class T>
    void put(Domain& domain, u64 address, const T& value) {
        __builtin_memcpy(at(domain, address), &value, sizeof value);
    }
    template <class T>
    void get(Domain& domain, u64 address, T& value) {
        __builtin_memcpy(&value, at(domain, address), sizeof value);
    }

    /// How often a call asked to be called again since the machine was made.
    unsigned repeats = 0;
    /// Makes every check in a long call say that something else wants the pCPU.
    bool hurry = false;

private:
    struct Free {
        void operator()(u8* block) const { std::free(block); }
    };
    std::unique_ptr<u8, Free> ram_;
    std::vector<FrameRow> rows_;
    std::unique_ptr<Machine> machine_;
    std::deque<std::unique_ptr<Cpu>> cpus_;
};

inline xen_domctl_t domctl_of(u32 command, DomainId domain) {
    xen_domctl_t op{};
    op.cmd = command;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = domain;
    return op;
}

}  // namespace hv::test

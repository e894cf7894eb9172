// What Python is shown of a machine: values, copied out of it.
#pragma once

#include "machine.hpp"
#include <functional>

namespace hv::hosted {

/// A vCPU as it stands.
struct VcpuView {
    u16 id;
    std::string state;   ///< "running", "runnable", "blocked", "paused" or "down"
    u16 cpu;             ///< the pCPU where it runs, or ran last
    u64 time_running;    ///< ns
};

/// A domain as it stands.
struct DomainView {
    DomainId id;
    std::string life;    ///< "building", "alive", "shut down", "dying" or "dead"
    int reason;          ///< SHUTDOWN_*; -1: none
    bool paused;         ///< by its toolstack
    u64 frames, frames_limit, table_frames;
    u64 hypercalls, exits;
    std::vector<VcpuView> vcpus;
};

/// One level of a walk through page tables: a domain's nested ones, or the hypervisor's own.
struct StepView {
    unsigned level;      ///< 3 at the top, 0 for the last
    u64 index;           ///< which of the table's 512 entries
    u64 at, value;       ///< the entry's machine address, and what is there
    std::string kind;    ///< "table", "page" or "nothing"
    u64 frame;           ///< the machine frame that it names
    u64 bytes;           ///< how much of the guest's memory one such entry tells of
    std::string access;  ///< of a page: "rwx", with dashes
};

std::vector<DomainId> list_domains(HostedMachine& machine);
DomainView look_at(HostedMachine& machine, DomainId id);
/// Reads eight bytes of a machine's memory, wherever that machine is.
using ReadWord = std::function<u64(Mpa)>;
/// Each level's entry on the way to `address`, in tables of any of the three formats.
std::vector<StepView> walk_tables(const x86::EntryFormat& format, Mpa root, u64 address,
                                  const ReadWord& read);
std::vector<StepView> walk(HostedMachine& machine, DomainId id, u64 gpa);
/// The domain's memory by guest physical address. NoMemory where a page of it is no RAM.
std::string read_memory(HostedMachine& machine, DomainId id, u64 gpa, u64 bytes);
void write_memory(HostedMachine& machine, DomainId id, u64 gpa, std::string_view bytes);
std::string console_text(HostedMachine& machine);

}  // namespace hv::hosted

// Building a domain: from an empty number to a vCPU that stands at its kernel's first instruction.
#pragma once

#include "guest_memory.hpp"
#include "unpack.hpp"

#include <domains/elf.hpp>

#include <string>
#include <vector>

namespace dom0 {

/// What a person asked for. The files lie in the boot module, or in uploads that the order keeps.
/// A kernel makes what it likes of its ramdisks: to xen-shim, the first is the kernel that runs on
/// it.
struct Order {
    std::string name;
    std::string command_line;
    std::span<const u8> kernel;
    std::vector<std::span<const u8>> ramdisks; // at most 8
    std::vector<std::shared_ptr<const Bytes>> uploads; // which of them came over the link
    u32 memory_mib = 64;
    u32 vcpus = 1;
};

/// Which frames of every guest mean something to us, as on Xen.
inline constexpr Gfn special_frames{0xfeff8};
inline constexpr u64 special_count = 8;
inline constexpr Gfn store_frame{0xfeffc};
inline constexpr Gfn identity_frame{0xfeffe};
inline constexpr Gfn console_frame{0xfefff};

/// A domain that is ready to be unpaused: its number, its rings and its doorbells.
struct Newborn {
    u16 id = 0;
    MappedPage console, store;
    u32 console_port = 0, store_port = 0;             // ours; 0 where event channels are not yet
    u32 guest_console_port = 0, guest_store_port = 0; // the guest's ends
};

class Builder {
public:
    explicit Builder(const Order& order) : order_{order} {}

    /// Builds the whole domain, still paused. On failure nothing of it is left, and failed_step()
    /// says in words what could not be done.
    Result<Newborn> build();

    std::string_view failed_step() const { return step_; }

private:
    Result<> check();
    Result<> read_kernel();
    Result<> make_domain();
    Result<> give_memory();
    Result<> load();
    Result<> write_start_info();
    Result<> furnish();
    Result<> connect();

    const Order& order_;
    std::string step_;
    Newborn newborn_;
    Bytes unpacked_;
    std::span<const u8> elf_;
    ElfImage image_;
    std::vector<hvm_modlist_entry> modules_; // the ramdisks, and where each lies
    Gpa start_info_{0};
};

}  // namespace dom0

// The guest walk: from a guest's virtual address to its physical one, as its CPU would find it.
#pragma once

#include <base/types.hpp>
#include <x86/engine.hpp>

namespace hv::x86 {

/// The guest's physical memory, as far as its page tables need it. A domain's is its p2m; a test's
/// is an array. Addresses are aligned to `size`, which is 4 or 8.
class GuestTables {
public:
    /// Reads an entry, in one access. False: that is not RAM.
    virtual bool read(Gpa entry, unsigned size, u64& value) = 0;
    /// Writes `desired` if the entry still is `expected`, in one locked access. False: it was not,
    /// or that is not RAM that may be written.
    virtual bool compare_exchange(Gpa entry, unsigned size, u64 expected, u64 desired) = 0;

    unsigned physical_bits = 48;  ///< of guest physical addresses; entry bits above are reserved
    bool gigabyte_pages = true;   ///< false: the size bit is reserved there

protected:
    ~GuestTables() = default;
};

/// What the guest, or the hypervisor on its behalf, wants to do at the address.
struct GuestAccess {
    bool write = false;
    bool fetch = false;  ///< of an instruction
};

/// What a walk found.
struct GuestWalk {
    enum class Outcome : u8 {
        found,          ///< `address` and `left`
        page_fault,     ///< raise #PF with `error_code`, CR2 being the virtual address
        not_canonical,  ///< raise #GP, or #SS for a stack access
        not_memory,     ///< a table is not RAM, or does not hold still while it is read
    };

    Outcome outcome = Outcome::not_memory;
    u32 error_code = 0;
    Gpa address{};
    u64 left = 0;  ///< bytes from `address` to the end of the guest's page, which may be 1 GiB

    constexpr bool ok() const { return outcome == Outcome::found; }
};

/// Finds `address` (linear: segment base added, cut to 32 bits outside of 64-bit code) in every
/// paging mode but five-level: none, 32-bit with 4 MiB pages, PAE, four-level. Checks rights, write
/// protection, no-execute, SMEP, SMAP and reserved bits; on success sets accessed and dirty bits.
/// Protection keys and shadow stacks are not known here: guests are not offered them.
/// Source: Intel SDM volume 3, chapter "Paging"; it may be called at any time, with any tables.
GuestWalk walk_guest(GuestTables& tables, const PagingState& state, u64 address,
                     GuestAccess access);

}  // namespace hv::x86

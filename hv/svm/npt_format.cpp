// How nested page tables spell their entries: as long mode's own tables do.
#include <svm/npt_format.hpp>
#include <x86/bits.hpp>

namespace hv::svm {
namespace {

constexpr u64 frame_bits = 0x000ffffffffff000;
constexpr u64 uncached_bits = x86::PTE_PCD | x86::PTE_PWT;

/// The CPU takes every access of a guest for a user's, so every entry says US.
constexpr u64 common_bits = x86::PTE_P | x86::PTE_US | x86::PTE_A;

/// NPT cannot forbid reading: a mapping that allows anything allows that.
u64 leaf(const x86::Mapping& mapping) {
    if (!mapping.access.any())
        return 0;
    u64 entry = address_of(mapping.frame).value | common_bits | x86::PTE_D;
    if (mapping.access.write)
        entry |= x86::PTE_RW;
    if (!mapping.access.execute)
        entry |= x86::PTE_XD;
    if (mapping.type == x86::MemoryType::uncached)
        entry |= uncached_bits;
    if (mapping.order > 0)
        entry |= x86::PTE_PS;
    return entry;
}

u64 table(Mfn next) { return address_of(next).value | common_bits | x86::PTE_RW; }

bool present(u64 entry) { return entry & x86::PTE_P; }

bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & x86::PTE_PS); }

Mfn frame(u64 entry) { return frame_of(Mpa{entry & frame_bits}); }

x86::Mapping read(u64 entry, unsigned level) {
    if (!present(entry))
        return {};
    return {.frame = frame(entry),
            .order = x86::order_of_level(level),
            .access = {.read = true,
                       .write = (entry & x86::PTE_RW) != 0,
                       .execute = (entry & x86::PTE_XD) == 0},
            .type = (entry & x86::PTE_PCD) ? x86::MemoryType::uncached
                                           : x86::MemoryType::write_back};
}

}  // namespace

constinit const x86::EntryFormat npt_format{leaf, table, read, present, is_leaf, frame};

}  // namespace hv::svm

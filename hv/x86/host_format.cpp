// The host's own page-table entries: what each bit of them says.
#include <x86/bits.hpp>
#include <x86/host_format.hpp>

namespace hv::x86 {
namespace {

constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;

/// Accessed and dirty are set from the start: the CPU need never write to these tables.
u64 leaf(const Mapping& mapping) {
    u64 entry = address_of(mapping.frame).value | PTE_P | PTE_A | PTE_D;
    if (mapping.access.write)
        entry |= PTE_RW;
    if (!mapping.access.execute)
        entry |= PTE_XD;
    if (mapping.type == MemoryType::uncached)
        entry |= PTE_PCD | PTE_PWT;
    if (mapping.order > 0)
        entry |= PTE_PS;
    return entry;
}

/// Tables allow everything; each leaf decides.
u64 table(Mfn next) { return address_of(next).value | PTE_P | PTE_RW | PTE_A; }

Mfn frame(u64 entry) { return frame_of(Mpa{entry & frame_bits}); }

Mapping read(u64 entry, unsigned level) {
    Mapping mapping{.frame = frame(entry), .order = order_of_level(level)};
    mapping.access = {.read = true, .write = (entry & PTE_RW) != 0, .execute = !(entry & PTE_XD)};
    mapping.type = entry & PTE_PCD ? MemoryType::uncached : MemoryType::write_back;
    return mapping;
}

bool present(u64 entry) { return entry & PTE_P; }
bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & PTE_PS); }

}  // namespace

constinit const EntryFormat host_format{leaf, table, read, present, is_leaf, frame};

}  // namespace hv::x86

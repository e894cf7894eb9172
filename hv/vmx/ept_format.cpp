// EPT: how an extended page table spells its entries.
#include <vmx/ept_format.hpp>

namespace hv::vmx {

namespace {

enum EptBits : u64 {
    EPT_READ = 1u << 0,
    EPT_WRITE = 1u << 1,
    EPT_EXECUTE = 1u << 2,
    EPT_TYPE = 7u << 3,
    EPT_TYPE_UC = 0u << 3,
    EPT_TYPE_WB = 6u << 3,
    EPT_LARGE = 1u << 7,
    EPT_FRAME = 0x000ffffffffff000,
};

constexpr bool present(u64 entry) { return entry & (EPT_READ | EPT_WRITE | EPT_EXECUTE); }

constexpr bool is_leaf(u64 entry, unsigned level) { return level == 0 || entry & EPT_LARGE; }

constexpr Mfn frame(u64 entry) { return frame_of(Mpa{entry & EPT_FRAME}); }

/// A mapping that allows nothing spells an entry that is not present.
constexpr u64 leaf(const x86::Mapping& mapping) {
    if (!mapping.access.any())
        return 0;
    u64 entry = address_of(mapping.frame).value | EPT_READ;
    if (mapping.access.write)
        entry |= EPT_WRITE;
    if (mapping.access.execute)
        entry |= EPT_EXECUTE;
    if (mapping.order > 0)
        entry |= EPT_LARGE;
    return entry | (mapping.type == x86::MemoryType::write_back ? EPT_TYPE_WB : EPT_TYPE_UC);
}

constexpr u64 table(Mfn next) {
    return address_of(next).value | EPT_READ | EPT_WRITE | EPT_EXECUTE;
}

constexpr x86::Mapping read(u64 entry, unsigned level) {
    if (!present(entry))
        return {};
    return {.frame = frame(entry),
            .order = x86::order_of_level(level),
            .access = {.read = (entry & EPT_READ) != 0,
                       .write = (entry & EPT_WRITE) != 0,
                       .execute = (entry & EPT_EXECUTE) != 0},
            .type = (entry & EPT_TYPE) == EPT_TYPE_WB ? x86::MemoryType::write_back
                                                      : x86::MemoryType::uncached};
}

}  // namespace

constexpr x86::EntryFormat ept_format{leaf, table, read, present, is_leaf, frame};

}  // namespace hv::vmx

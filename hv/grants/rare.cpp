// What guests seldom do to a grant table: another layout, and two entries that change places.
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>

namespace hv {
namespace {

constexpr u32 reserved = GNTTAB_NR_RESERVED_ENTRIES;
constexpr u16 in_use = GTF_reading | GTF_writing;

/// The first entries, by which the toolstack's own pages are held: they outlive a change of layout.
using Reserved = std::array<grant_entry_v1_t, reserved>;

Reserved read_reserved(const PhysicalMemory& memory, const GrantTable& table) {
    Reserved kept{};
    if (table.version == 1) {
        __builtin_memcpy(&kept, memory.at(table.frames[0]), sizeof kept);
        return kept;
    }
    grant_entry_v2_t entries[reserved];
    __builtin_memcpy(entries, memory.at(table.frames[0]), sizeof entries);
    const auto* status = memory.as<grant_status_t>(address_of(table.status_frames[0]));
    for (u32 i = 0; i < reserved; ++i)
        if ((entries[i].hdr.flags & GTF_type_mask) == GTF_permit_access)
            kept[i] = {static_cast<u16>(entries[i].hdr.flags | status[i]), entries[i].hdr.domid,
                       static_cast<u32>(entries[i].full_page.frame)};
    return kept;
}

void write_reserved(const PhysicalMemory& memory, const GrantTable& table, const Reserved& kept) {
    if (table.version == 1) {
        __builtin_memcpy(memory.at(table.frames[0]), &kept, sizeof kept);
        return;
    }
    auto* entries = memory.as<grant_entry_v2_t>(address_of(table.frames[0]));
    auto* status = memory.as<grant_status_t>(address_of(table.status_frames[0]));
    for (u32 i = 0; i < reserved; ++i) {
        status[i] = kept[i].flags & in_use;
        entries[i].full_page.frame = kept[i].frame;
        entries[i].hdr = {static_cast<u16>(kept[i].flags & ~in_use), kept[i].domid};
    }
}

/// Swaps what two entries of one kind say.
template <class Word>
void swap_words(const PhysicalMemory& memory, const std::span<const Mfn> frames, GrantRef a,
                GrantRef b) {
    constexpr u32 per_frame = page_size / sizeof(Word);
    const auto place = [&](GrantRef ref) {
        return memory.as<Word>(address_of(frames[ref / per_frame])) + ref % per_frame;
    };
    const Word kept = *place(a);
    *place(a) = *place(b);
    *place(b) = kept;
}

GrantStatus swap_two(Domain& domain, GrantRef a, GrantRef b) {
    GrantTable& table = grants_of(domain);
    const PhysicalMemory& memory = domain.machine.memory;
    Guard guard{table.lock};
    if (a >= table.entry_count() || b >= table.entry_count())
        return GNTST_bad_gntref;
    if (a == b)
        return GNTST_okay;
    if (table.is_held(a) || table.is_held(b))
        return GNTST_eagain;
    if (table.version == 1) {
        swap_words<grant_entry_v1_t>(memory, table.frames, a, b);
    } else {
        swap_words<grant_entry_v2_t>(memory, table.frames, a, b);
        swap_words<grant_status_t>(memory, table.status_frames, a, b);
    }
    return GNTST_okay;
}

}  // namespace

Result<> change_version(Domain& domain, u32 version) {
    GrantTable& table = grants_of(domain);
    const PhysicalMemory& memory = domain.machine.memory;
    Guard guard{table.lock};
    if (version == table.version || table.frame_count == 0)
        return {};
    for (GrantRef ref = reserved; ref < table.entry_count(); ++ref)
        if (table.is_held(ref))
            return Error{XEN_EBUSY};
    if (version == 2)
        TRY(add_status_frames(domain.machine, table, table.frame_count));
    const Reserved kept = read_reserved(memory, table);
    const std::span shown{table.frames.data(), table.frame_count};
    const std::span status{table.status_frames.data(), table.status_count};
    for (const auto& frames : {shown, status})
        for (const Mfn frame : frames)
            __builtin_memset(memory.at(frame), 0, page_size);
    table.version = version;
    write_reserved(memory, table, kept);
    return {};
}

Answer swap_grants(Call& call) {
    return each_item(call, sizeof(gnttab_swap_grant_ref_t), [&](u64 address) -> Result<> {
        gnttab_swap_grant_ref_t wish;
        TRY(call.read(wish, address));
        wish.status = swap_two(call.domain, wish.ref_a, wish.ref_b);
        return call.write(address, wish);
    });
}

}  // namespace hv

// memory_op, the memory map: what a toolstack tells a guest of RAM.
#include <algorithm>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

/// One line of an e820 map, as BIOS call 15h, function E820h, lays it out: 20 bytes.
struct [[gnu::packed]] MapLine {
    u64 start, bytes;
    u32 kind;
};
static_assert(sizeof(MapLine) == 20);

constexpr u32 most_lines = page_size / sizeof(MapLine);

/// xen_memory_map: how many lines the caller has room for, and where.
struct MapWish {
    u32 lines = 0;
    u64 buffer = 0;
};

Result<MapWish> read_map_wish(Call& call, u64 address) {
    if (call.wide) {
        xen_memory_map_t raw;
        TRY(call.read(raw, address));
        return MapWish{raw.nr_entries, address_in(raw.buffer)};
    }
    u32 raw[2];
    TRY(call.read(raw, address));
    return MapWish{raw[0], raw[1]};
}

}  // namespace

s64 give_memory_map(MemoryCall memory) {
    Call& call = memory.call;
    const auto wish = read_map_wish(call, memory.address);
    if (!wish.ok())
        return failure(wish.error());
    if (call.domain.memory_map_entries == 0)
        return refuse(XEN_ENOSYS);
    const u32 lines = std::min(wish->lines, call.domain.memory_map_entries);
    const u8* map = call.domain.machine.memory.at(call.domain.memory_map_frame);
    if (!call.write(wish->buffer, map, lines * sizeof(MapLine)).ok() ||
        !call.write(memory.address, lines).ok())
        return refuse(XEN_EFAULT);
    return 0;
}

s64 set_memory_map(MemoryCall memory) {
    // xen_foreign_memory_map: the domain, then the map at the next place that is aligned for it
    Call& call = memory.call;
    domid_t id = 0;
    if (const auto read = call.read(id, memory.address); !read.ok())
        return failure(read.error());
    const auto wish = read_map_wish(call, memory.address + (call.wide ? 8 : 4));
    if (!wish.ok())
        return failure(wish.error());
    if (wish->lines > most_lines)
        return refuse(XEN_EINVAL);
    const DomainRef target = named_domain(call, id);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!may_act_on(call, *target))
        return refuse(XEN_EPERM);

    MapLine map[most_lines];
    if (const auto read = call.read(map, wish->buffer, wish->lines * sizeof(MapLine)); !read.ok())
        return failure(read.error());
    Machine& machine = call.domain.machine;
    Guard guard{target->lock};
    if (target->life.load() >= Life::dying)
        return refuse(XEN_EINVAL);
    if (target->memory_map_frame.value == 0) {
        const auto frame = machine.frames.take(owner_hypervisor);
        if (!frame.ok())
            return failure(frame.error());
        target->memory_map_frame = *frame;
    }
    std::copy_n(map, wish->lines, machine.memory.as<MapLine>(address_of(target->memory_map_frame)));
    target->memory_map_entries = wish->lines;
    return 0;
}

}  // namespace hv

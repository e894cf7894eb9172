// A guest's memory, seen from dom0: XENMEM_populate_physmap and foreign mappings (xen/memory.h).
#include "guest_memory.hpp"

#include <kit/guest.hpp>
#include <string.h>
#include <vector>

namespace dom0 {
namespace {

/// Maps `count` frames of `domain` from `theirs` on at `ours`. Returns how many succeeded before
/// the first that did not: a guest's memory has holes.
Result<u64> map_foreign(u16 domain, Gfn theirs, Gfn ours, u64 count) {
    static constinit xen_ulong_t indices[512];
    static constinit xen_pfn_t places[512];
    static constinit int errors[512];
    for (u64 i = 0; i < count; i++) {
        indices[i] = theirs.value + i;
        places[i] = ours.value + i;
        errors[i] = 0;
    }
    xen_add_to_physmap_batch batch = {};
    batch.domid = DOMID_SELF;
    batch.space = XENMAPSPACE_gmfn_foreign;
    batch.size = u16(count);
    batch.u.foreign_domid = domain;
    set_xen_guest_handle(batch.idxs, static_cast<xen_ulong_t*>(indices));
    set_xen_guest_handle(batch.gpfns, static_cast<xen_pfn_t*>(places));
    set_xen_guest_handle(batch.errs, static_cast<int*>(errors));
    TRY(memory_op(XENMEM_add_to_physmap_batch, &batch));
    for (u64 i = 0; i < count; i++)
        if (errors[i] != 0) {
            if (i == 0) return Error{static_cast<Errno>(-errors[0])};
            return i;
        }
    return count;
}

void unmap(Gfn ours) {
    xen_remove_from_physmap argument = {DOMID_SELF, ours.value};
    (void)memory_op(XENMEM_remove_from_physmap, &argument);
}

Result<> populate_extents(u16 domain, u64 first, u64 count, u32 order) {
    std::vector<xen_pfn_t> frames;
    for (u64 i = 0; i < count; i++)
        frames.push_back(first + (i << order));
    xen_memory_reservation argument = {};
    set_xen_guest_handle(argument.extent_start, frames.data());
    argument.nr_extents = count;
    argument.extent_order = order;
    argument.domid = domain;
    auto done = memory_op(XENMEM_populate_physmap, &argument);
    if (!done) return done.error();
    if (*done < count) return Error{Errno::XEN_ENOMEM};
    return {};
}

/// Frames of dom0's own address space that nothing occupies now: one for each mapped ring.
constinit std::vector<Gfn>* free_places = nullptr;

Gfn take_place() {
    if (free_places == nullptr) free_places = new std::vector<Gfn>;
    if (free_places->empty()) return take_address_space(1);
    Gfn place = free_places->back();
    free_places->pop_back();
    return place;
}

/// The one window through which guests are built.
Gfn window() {
    static constinit Gfn start{0};
    if (start.value == 0) start = take_address_space(512);
    return start;
}

}  // namespace

Result<> populate(u16 domain, Gfn first, u64 count) {
    constexpr u64 large = 512;
    u64 start = first.value, end = first.value + count;
    u64 large_start = align_up(start, large), large_end = align_down(end, large);
    if (large_start >= large_end) return populate_extents(domain, start, count, 0);
    TRY(populate_extents(domain, start, large_start - start, 0));
    TRY(populate_extents(domain, large_start, (large_end - large_start) / large, 9));
    return populate_extents(domain, large_end, end - large_end, 0);
}

Result<const u8*> map_for_good(u16 domain, Gfn first, u64 count) {
    constexpr u64 piece = 512;
    const Gfn place = take_address_space(count);
    for (u64 at = 0; at < count; at += piece) {
        const u64 wanted = count - at < piece ? count - at : piece;
        auto mapped = map_foreign(domain, first + at, place + at, wanted);
        if (!mapped) return mapped.error();
        if (*mapped < wanted) return Error{Errno::XEN_EINVAL};
    }
    return reinterpret_cast<const u8*>(address_of(place).value);
}

Result<MappedPage> MappedPage::map(u16 domain, Gfn frame) {
    MappedPage page;
    Gfn place = take_place();
    auto mapped = map_foreign(domain, frame, place, 1);
    if (!mapped) {
        free_places->push_back(place);
        return mapped.error();
    }
    page.place_ = place;
    return page;
}

Result<MappedPage> MappedPage::acquire(u16 domain, u16 kind, u32 id, u64 frame) {
    const Gfn place = take_place();
    xen_pfn_t list = place.value;
    xen_mem_acquire_resource wish = {};
    wish.domid = domain;
    wish.type = kind;
    wish.id = id;
    wish.nr_frames = 1;
    wish.frame = frame;
    set_xen_guest_handle(wish.frame_list, &list);
    auto acquired = memory_op(XENMEM_acquire_resource, &wish);
    if (!acquired) {
        free_places->push_back(place);
        return acquired.error();
    }
    MappedPage page;
    page.place_ = place;
    return page;
}

MappedPage::~MappedPage() {
    if (place_.value == 0) return;
    unmap(place_);
    free_places->push_back(place_);
}

Result<> GuestWriter::write(Gpa to, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        auto room = reach(to, bytes.size());
        if (!room) return room.error();
        memcpy(room->data(), bytes.data(), room->size());
        bytes = bytes.subspan(room->size());
        to = to + room->size();
    }
    return {};
}

Result<> GuestWriter::zero(Gpa to, u64 count) {
    while (count > 0) {
        auto room = reach(to, count);
        if (!room) return room.error();
        memset(room->data(), 0, room->size());
        count -= room->size();
        to = to + room->size();
    }
    return {};
}

Result<std::span<u8>> GuestWriter::reach(Gpa address, u64 wanted) {
    Gfn frame = frame_of(address);
    bool inside = frame >= first_ && frame < first_ + open_frames_;
    if (!inside) TRY(open(frame, pages_of(address.value % page_size + wanted)));
    u64 offset = address.value - address_of(first_).value;
    u64 left = open_frames_ * page_size - offset;
    auto* start = reinterpret_cast<u8*>(address_of(window()).value + offset);
    return std::span{start, wanted < left ? wanted : left};
}

Result<> GuestWriter::open(Gfn first, u64 frames) {
    close();
    u64 count = frames < window_frames ? frames : window_frames;
    auto mapped = map_foreign(domain_, first, window(), count);
    if (!mapped) return mapped.error();
    first_ = first;
    open_frames_ = *mapped;
    return {};
}

void GuestWriter::close() {
    for (u64 i = 0; i < open_frames_; i++)
        unmap(window() + i);
    open_frames_ = 0;
}

}  // namespace dom0

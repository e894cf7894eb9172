// What the toolstack sees of promises and doorbells: XENMEM_acquire_resource (xen/memory.h),
// GNTTABOP_query_size and EVTCHNOP_status.
#include "onlooking.hpp"

#include <kit/clock.hpp>
#include <stddef.h>

namespace dom0 {
namespace {

template <class Wish> Result<> grant_table_op(u32 command, Wish& wish) {
    TRY(checked(hypercall(__HYPERVISOR_grant_table_op, command, address(&wish), 1)));
    return {};
}

}  // namespace

Result<TableShape> grant_table_shape(u16 domain) {
    gnttab_query_size size = {};
    size.dom = domain;
    TRY(grant_table_op(GNTTABOP_query_size, size));
    if (size.status != GNTST_okay) return Error{Errno::XEN_ESRCH};
    gnttab_get_version version = {};
    version.dom = domain;
    TRY(grant_table_op(GNTTABOP_get_version, version));
    return TableShape{version.version, size.nr_frames};
}

Result<MappedPage> grant_frame(u16 domain, bool status, u32 frame) {
    const u32 id =
        status ? XENMEM_resource_grant_table_id_status : XENMEM_resource_grant_table_id_shared;
    return MappedPage::acquire(domain, XENMEM_resource_grant_table, id, frame);
}

Result<evtchn_status> port_status(u16 domain, u32 port) {
    evtchn_status wish = {};
    wish.dom = domain;
    wish.port = port;
    TRY(event_channel_op(EVTCHNOP_status, &wish));
    return wish;
}

Marks::Marks(u16 domain) : domain_{domain} {
    if (domain == 0) return; // ours are in our own shared page
    for (auto layout : {hv::EventMarks::wide, hv::EventMarks::narrow, hv::EventMarks::fifo}) {
        auto page = MappedPage::acquire(domain, hv::resource_event_marks, u32(layout), 0);
        if (!page) continue;
        layout_ = layout;
        page_ = std::move(*page);
        return;
    }
}

std::string_view Marks::abi() const {
    if (layout_ == hv::EventMarks::fifo) return "FIFO";
    return page_ || domain_ == 0 ? "two-level" : "";
}

const u8* Marks::page(u32 number) {
    if (domain_ == 0) return reinterpret_cast<const u8*>(&shared());
    if (number != number_) {
        auto other = MappedPage::acquire(domain_, hv::resource_event_marks, u32(layout_), number);
        page_ = other ? std::move(*other) : MappedPage{};
        number_ = number;
    }
    return page_ ? page_.as<const u8>() : nullptr;
}

/// `which` is 0 for pending, 1 for masked.
bool Marks::test(u32 port, u32 which) {
    if (layout_ == hv::EventMarks::fifo) {
        constexpr u32 words = page_size / sizeof(event_word_t);
        auto* word = reinterpret_cast<const event_word_t*>(page(port / words));
        const u32 bit = which == 0 ? EVTCHN_FIFO_PENDING : EVTCHN_FIFO_MASKED;
        if (word == nullptr) return false;
        return (__atomic_load_n(&word[port % words], __ATOMIC_ACQUIRE) >> bit & 1) != 0;
    }
    const u8* bits = page(0);
    if (bits == nullptr) return false;
    // One bit for each port, then as many for their masks: 64 words, or 32, of as many bits
    const u32 bytes = layout_ == hv::EventMarks::narrow ? 32 * 4 : 64 * 8;
    bits += offsetof(shared_info, evtchn_pending) + which * bytes;
    if (port >= bytes * 8) return false;
    return (__atomic_load_n(&bits[port / 8], __ATOMIC_ACQUIRE) >> port % 8 & 1) != 0;
}

}  // namespace dom0

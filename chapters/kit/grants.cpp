// Grants: promises made and taken back, pages mapped and given back.
#include "grants.hpp"

#include "guest.hpp"
#include "heap.hpp"
#include "hypercall.hpp"

#include <base/panic.hpp>

namespace kit {

Result<> GrantTable::open() {
    entries_ = static_cast<grant_entry_v1_t*>(TRY(show_page(XENMAPSPACE_grant_table)));
    return {};
}

Result<grant_ref_t> GrantTable::promise(u16 domain, const void* page, bool read_only) {
    for (u32 tried = GNTTAB_NR_RESERVED_ENTRIES; tried < size; tried++) {
        const grant_ref_t reference = next_;
        next_ = next_ + 1 < size ? next_ + 1 : GNTTAB_NR_RESERVED_ENTRIES;
        grant_entry_v1_t& entry = entries_[reference];
        if (__atomic_load_n(&entry.flags, __ATOMIC_ACQUIRE) != 0) continue;
        entry.domid = domain;
        entry.frame = u32(address(page) >> page_shift);
        const u16 flags = u16(GTF_permit_access | (read_only ? GTF_readonly : 0));
        __atomic_store_n(&entry.flags, flags, __ATOMIC_RELEASE);
        return reference;
    }
    return Error{Errno::XEN_ENOSPC};
}

// The flags are set to nothing in one step, and only while nobody reads or writes: whoever looks
// at the entry at the same time finds either the whole promise, or none.
bool GrantTable::take_back(grant_ref_t reference) {
    u16& flags = entries_[reference].flags;
    u16 seen = __atomic_load_n(&flags, __ATOMIC_ACQUIRE);
    do
        if ((seen & (GTF_reading | GTF_writing)) != 0) return false;
    while (!__atomic_compare_exchange_n(&flags, &seen, u16{0}, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE));
    return true;
}

LentPage::LentPage(GrantTable& table) : table_{table}, page_{take_pages(1)} {}

LentPage::~LentPage() {
    if (take_back()) heap().give(page_);
}

Result<> LentPage::lend(u16 domain, bool read_only) {
    if (!take_back()) return Error{Errno::XEN_EBUSY};
    reference_ = TRY(table_.promise(domain, page_, read_only));
    return {};
}

bool LentPage::take_back() {
    if (is_lent() && table_.take_back(reference_)) reference_ = 0;
    return !is_lent();
}

Window::Window() : place_{address_of(take_address_space(1)).value} {}

Result<> Window::open(u16 domain, grant_ref_t reference, bool read_only) {
    close();
    gnttab_map_grant_ref_t wish = {};
    wish.host_addr = place_;
    wish.flags = u32(GNTMAP_host_map | (read_only ? GNTMAP_readonly : 0));
    wish.ref = reference;
    wish.dom = domain;
    TRY(checked(
        hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, address(&wish), 1)));
    if (wish.status != GNTST_okay) return Error{Errno::XEN_EACCES};
    handle_ = wish.handle;
    is_open_ = true;
    return {};
}

void Window::close() {
    if (!is_open_) return;
    gnttab_unmap_grant_ref_t wish = {};
    wish.host_addr = place_;
    wish.handle = handle_;
    const long failed =
        hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, address(&wish), 1);
    if (failed != 0 || wish.status != GNTST_okay)
        panic("a page cannot be given back: {}", wish.status);
    is_open_ = false;
}

}  // namespace kit

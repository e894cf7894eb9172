// A guest's memory by virtual and by physical address: one walk and one copy for each page.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/guest_view.hpp>
#include <domains/household.hpp>
#include <x86/guest_walk.hpp>

namespace hv {
namespace {

/// A domain's page tables, as the guest walk reads them.
class DomainTables final : public x86::GuestTables {
public:
    DomainTables(GuestView& view, const Machine& machine) : view_{view} {
        gigabyte_pages = machine.capabilities.superpage_1g;
    }

    bool read(Gpa entry, unsigned size, u64& value) override {
        u8* const at = view_.at(entry, false);
        if (at == nullptr)
            return false;
        value = size == 8 ? __atomic_load_n(reinterpret_cast<u64*>(at), __ATOMIC_RELAXED)
                          : __atomic_load_n(reinterpret_cast<u32*>(at), __ATOMIC_RELAXED);
        return true;
    }

    bool compare_exchange(Gpa entry, unsigned size, u64 expected, u64 desired) override {
        u8* const at = view_.at(entry, true);
        if (at == nullptr)
            return false;
        return size == 8 ? exchange<u64>(at, expected, desired)
                         : exchange<u32>(at, static_cast<u32>(expected),
                                         static_cast<u32>(desired));
    }

private:
    template <class T>
    static bool exchange(u8* at, T expected, T desired) {
        return __atomic_compare_exchange_n(reinterpret_cast<T*>(at), &expected, desired, false,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }

    GuestView& view_;
};

/// Moves bytes between `buffer` and guest physical memory, page by page.
Result<> move_physical(GuestView& view, Gpa address, u8* buffer, size_t bytes, bool write) {
    while (bytes > 0) {
        const size_t piece = std::min<size_t>(bytes, page_size - (address.value & page_mask));
        u8* const at = view.at(address, write);
        if (at == nullptr)
            return Error{XEN_EFAULT};
        __builtin_memcpy(write ? at : buffer, write ? buffer : at, piece);
        address = address + piece;
        buffer += piece;
        bytes -= piece;
    }
    return {};
}

/// The same by virtual address: one walk for each guest page that the bytes touch.
Result<> move_virtual(Vcpu& vcpu, u64 address, u8* buffer, size_t bytes, bool write) {
    Domain& domain = vcpu.domain;
    const x86::PagingState paging = domain.machine.engine->paging_state(vcpu.hardware);
    GuestView view{domain};
    DomainTables tables{view, domain.machine};
    while (bytes > 0) {
        const x86::GuestWalk walk = x86::walk_guest(tables, paging, address, {.write = write});
        if (!walk.ok())
            return Error{XEN_EFAULT};
        const size_t piece = std::min<size_t>(bytes, walk.left);
        TRY(move_physical(view, walk.address, buffer, piece, write));
        address += piece;
        buffer += piece;
        bytes -= piece;
    }
    return {};
}

}  // namespace

Result<> read_guest(Vcpu& vcpu, void* into, u64 address, size_t bytes) {
    return move_virtual(vcpu, address, static_cast<u8*>(into), bytes, false);
}

Result<> write_guest(Vcpu& vcpu, u64 address, const void* from, size_t bytes) {
    return move_virtual(vcpu, address, static_cast<u8*>(const_cast<void*>(from)), bytes, true);
}

Result<> read_guest_physical(Domain& domain, void* into, Gpa address, size_t bytes) {
    GuestView view{domain};
    return move_physical(view, address, static_cast<u8*>(into), bytes, false);
}

Result<> write_guest_physical(Domain& domain, Gpa address, const void* from, size_t bytes) {
    GuestView view{domain};
    return move_physical(view, address, static_cast<u8*>(const_cast<void*>(from)), bytes, true);
}

}  // namespace hv

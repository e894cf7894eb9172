// A guest's memory by virtual address: for each page one walk, one look at the p2m, and one copy.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <x86/guest_walk.hpp>

namespace hv {
namespace {

/// A way into a domain's RAM that is open while this lives. The pCPU says that it is inside, as it
/// does before it enters the guest: a shootdown then waits for us too, and what we have found stays
/// true without a use of each frame. Open it for a copy, no longer; no lock but the p2m's is taken
/// inside. What was found is remembered for the pCPU, as in its TLB.
class GuestView {
public:
    explicit GuestView(Domain& domain) : domain_{domain}, here_{whereabouts(this_cpu())} {
        // A generation belongs to one domain: another number means another time, or another domain
        const u64 generation = announce_entry(here_, domain);
        if (here_.seen.generation != generation)
            here_.seen = {.generation = generation};
    }
    ~GuestView() { announce_exit(here_); }
    GuestView(const GuestView&) = delete;
    GuestView& operator=(const GuestView&) = delete;

    /// Where the hypervisor sees `address`; nullptr when that is no RAM, or may not be used so.
    u8* at(Gpa address, bool write) {
        const Gfn gfn = frame_of(address);
        SeenPage& seen = here_.seen.pages[gfn.value % SeenPages::count];
        if (seen.gfn != gfn && !find(gfn, seen)) [[unlikely]]
            return nullptr;
        return write && !seen.writable ? nullptr : seen.at + (address.value & page_mask);
    }

private:
    bool find(Gfn gfn, SeenPage& seen) {
        const Result<GuestFrame> found = domain_.p2m.look_up(gfn);
        Machine& machine = domain_.machine;
        if (!found.ok() || !found->access.read || !machine.frames.is_ram(found->frame))
            return false;
        seen = {gfn, found->access.write, machine.memory.at(found->frame)};
        return true;
    }

    Domain& domain_;
    Whereabouts& here_;
};

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

/// Moves bytes between `buffer` and guest memory, page by page.
Result<> move(Vcpu& vcpu, u64 address, u8* buffer, size_t bytes, bool write) {
    Domain& domain = vcpu.domain;
    const x86::PagingState paging = domain.machine.engine->paging_state(vcpu.hardware);
    GuestView view{domain};
    DomainTables tables{view, domain.machine};
    while (bytes > 0) {
        const x86::GuestWalk walk = x86::walk_guest(tables, paging, address, {.write = write});
        u8* const at = walk.ok() ? view.at(walk.address, write) : nullptr;
        if (at == nullptr)
            return Error{XEN_EFAULT};
        const size_t piece = std::min<size_t>(bytes, page_size - (address & page_mask));
        __builtin_memcpy(write ? at : buffer, write ? buffer : at, piece);
        address += piece;
        buffer += piece;
        bytes -= piece;
    }
    return {};
}

}  // namespace

Result<> read_guest(Vcpu& vcpu, void* into, u64 address, size_t bytes) {
    return move(vcpu, address, static_cast<u8*>(into), bytes, false);
}

Result<> write_guest(Vcpu& vcpu, u64 address, const void* from, size_t bytes) {
    return move(vcpu, address, static_cast<u8*>(const_cast<void*>(from)), bytes, true);
}

}  // namespace hv

// A guest's memory by virtual address: for each page one walk, one look at the p2m, and one copy.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <x86/guest_walk.hpp>

namespace hv {
namespace {

/// Says that this pCPU is inside `domain` while this lives, as it does before it enters the guest:
/// a shootdown then waits for us too, and what we have found stays true without a use of each
/// frame. For a copy, no longer; no lock but the p2m's is taken inside.
class Inside {
public:
    explicit Inside(Domain& domain) : here{whereabouts(this_cpu())} {
        // A generation belongs to one domain: another number means another time, or another domain
        const u64 generation = announce_entry(here, domain);
        if (here.seen.generation != generation) [[unlikely]]
            here.seen.forget(generation);
    }
    ~Inside() { announce_exit(here); }
    Inside(const Inside&) = delete;

    Whereabouts& here;
};

/// A domain's RAM, as the guest walk sees it while we are inside. What was found is remembered for
/// the pCPU, as in its TLB.
struct GuestView {
    Whereabouts& here;

    static constexpr unsigned physical_bits = 48;
    bool gigabyte_pages() const {
        return here.inside.load(std::memory_order_relaxed)->machine.capabilities.superpage_1g;
    }

    /// The row of the page that holds `address`; `none` when that is no RAM.
    static constexpr size_t none = SeenPages::count;
    size_t row_of(Gpa address) const {
        const Gfn gfn = frame_of(address);
        const size_t row = gfn.value % SeenPages::count;
        return here.seen.gfns[row] == gfn || find(here, gfn) ? row : none;
    }
    template <class T>
    T* as(size_t row, Gpa address) const {
        return reinterpret_cast<T*>(here.seen.distances[row] + address.value);
    }

    template <class Entry>
    bool read(Gpa place, Entry& entry) const {
        const size_t row = row_of(place);
        if (row == none) [[unlikely]]
            return false;
        entry = __atomic_load_n(as<Entry>(row, place), __ATOMIC_RELAXED);
        return true;
    }
    template <class Entry>
    bool compare_exchange(Gpa place, Entry expected, Entry desired) const {
        const size_t row = row_of(place);
        return row != none && here.seen.writable[row] &&
               __atomic_compare_exchange_n(as<Entry>(row, place), &expected, desired, false,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }

private:
    /// What a look at the p2m says of `gfn`, into its row.
    [[gnu::cold, gnu::noinline]] static bool find(Whereabouts& here, Gfn gfn) {
        Domain& domain = *here.inside.load(std::memory_order_relaxed);
        const Result<GuestFrame> found = domain.p2m.look_up(gfn);
        if (!found.ok() || !found->access.read || !domain.machine.frames.is_ram(found->frame))
            return false;
        const size_t row = gfn.value % SeenPages::count;
        const u8* const at = domain.machine.memory.at(found->frame);
        here.seen.gfns[row] = gfn;
        here.seen.distances[row] = reinterpret_cast<u64>(at) - address_of(gfn).value;
        here.seen.writable[row] = found->access.write;
        return true;
    }
};

/// Moves bytes between `buffer` and guest memory, page by page.
template <bool write>
Result<> move(Vcpu& vcpu, u64 address, u8* buffer, size_t bytes) {
    const auto paging = vcpu.domain.machine.engine->paging_state(vcpu.hardware);
    const Inside inside{vcpu.domain};
    const GuestView view{inside.here};
    while (bytes > 0) {
        const x86::GuestWalk walk = x86::walk_guest(view, paging, address, {.write = write});
        const size_t row = walk.ok() ? view.row_of(walk.address) : view.none;
        if (row == view.none || (write && !view.here.seen.writable[row])) [[unlikely]]
            return Error{XEN_EFAULT};
        const size_t piece = std::min<size_t>(bytes, page_size - (address & page_mask));
        u8* const at = view.as<u8>(row, walk.address);
        __builtin_memcpy(write ? at : buffer, write ? buffer : at, piece);
        address += piece;
        buffer += piece;
        bytes -= piece;
    }
    return {};
}

}  // namespace

Result<> read_guest(Vcpu& vcpu, void* into, u64 address, size_t bytes) {
    return move<false>(vcpu, address, static_cast<u8*>(into), bytes);
}

Result<> write_guest(Vcpu& vcpu, u64 address, const void* from, size_t bytes) {
    return move<true>(vcpu, address, static_cast<u8*>(const_cast<void*>(from)), bytes);
}

}  // namespace hv

// A guest's memory by virtual address: for each page a walk, or the memory of one, and a copy.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <x86/guest_walk.hpp>

namespace hv {
namespace {

/// A domain's RAM, as the guest walk sees it while we are inside. What it reads is noted.
struct GuestView {
    Domain& domain;
    SeenWalk::Trail& trail;
    size_t& count;  ///< how much; more than the trail has room for: it is good for nothing

    static constexpr unsigned physical_bits = 48;
    bool gigabyte_pages() const { return domain.machine.capabilities.superpage_1g; }

    /// Where we see `address`; nullptr when that is no RAM, or none that may be written. Its
    /// frame is marked: a walk that may be remembered came by it.
    u8* find(Gpa address, bool write) const {
        const Result<GuestFrame> found = domain.p2m.find(frame_of(address));
        if (!found.ok() || (write && !found->access.write) ||
            !domain.machine.frames.is_ram(found->frame)) [[unlikely]]
            return nullptr;
        domain.machine.frames.row(found->frame).state = FrameState::walked;
        return domain.machine.memory.at(found->frame) + (address.value & page_mask);
    }

    template <class Entry>
    bool read(Gpa place, Entry& entry) const {
        const u8* const at = find(place, false);
        if (at == nullptr) [[unlikely]]
            return false;
        entry = __atomic_load_n(reinterpret_cast<const Entry*>(at), __ATOMIC_RELAXED);
        if (count < trail.size())
            trail[count] = {reinterpret_cast<const u64*>(at), entry};
        ++count;
        return true;
    }
    template <class Entry>
    bool compare_exchange(Gpa place, Entry expected, Entry desired) const {
        count = trail.size() + 1;  // what it has read is true no more
        u8* const at = find(place, true);
        return at != nullptr &&
               __atomic_compare_exchange_n(reinterpret_cast<Entry*>(at), &expected, desired, false,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
};

/// Walks to the page of `address`, and says in `row` where we see it; false when its guest may not
/// go there. A walk in long mode that marked nothing on its way is remembered there.
[[gnu::noinline]] bool walk(Domain& domain, const x86::PagingState& paging, u64 generation,
                           u64 address, bool write, SeenWalk& row) {
    row.generation = 0;
    size_t count = 0;
    const GuestView view{domain, row.trail, count};
    const x86::GuestWalk walk = x86::walk_guest(view, paging, address, {.write = write});
    u8* const found = walk.ok() ? view.find(walk.address, write) : nullptr;
    if (found == nullptr)
        return false;
    row.target = found - (address & page_mask);
    if ((paging.mode & x86::EFER_LMA) && count > 0 && count <= row.trail.size()) {
        std::fill(row.trail.begin() + count, row.trail.end(), row.trail[0]);
        row.generation = generation;
        row.page = address >> page_shift;
        row.paging = paging;
        row.to_write = write;
    }
    return true;
}

/// Moves bytes between `buffer` and guest memory, page by page. As a rule it is one page.
template <bool write>
Result<> move(Vcpu& vcpu, u64 address, u8* buffer, size_t bytes) {
    Domain& domain = vcpu.domain;
    const auto paging = domain.machine.engine->paging_state(vcpu.hardware);
    // As if we entered the guest: what we find stays true meanwhile, without a use of each frame
    const Inside inside{whereabouts(this_cpu()), domain.p2m};
    for (size_t piece; bytes > 0; bytes -= piece, address += piece, buffer += piece) {
        const u64 number = address >> page_shift, offset = address & page_mask;
        SeenWalk& row = inside.here.walk_of(number, inside.generation);
        if (!(row.leads_to(number, inside.generation, write) && row.stands(paging)) &&
            !walk(domain, paging, inside.generation, address, write, row)) [[unlikely]]
            return Error{XEN_EFAULT};
        u8* const at = row.target + offset;
        piece = std::min<size_t>(bytes, page_size - offset);
        __builtin_memcpy(write ? at : buffer, write ? buffer : at, piece);
        if (piece == bytes) [[likely]]
            break;
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

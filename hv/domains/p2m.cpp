// The p2m: the page-table walk of x86/, over the machine's frames, in the engine's format.
#include <boot/machine.hpp>
#include <domains/household.hpp>
#include <domains/memory.hpp>
#include <domains/p2m.hpp>

namespace hv {
namespace {

/// The memory of a domain's tables: frames of the hypervisor's, seen through the direct map. A
/// table that is taken out goes into the quarantine of whoever changes the p2m.
class TableFrames {
public:
    TableFrames(Machine& machine, u64& count, u64 pool = 0, Quarantine* quarantine = nullptr)
        : machine_{machine}, count_{count}, pool_{pool}, quarantine_{quarantine} {}

    u64 read(Mpa entry) const {
        return __atomic_load_n(machine_.memory.as<u64>(entry), __ATOMIC_ACQUIRE);
    }
    void write(Mpa entry, u64 value) {
        __atomic_store_n(machine_.memory.as<u64>(entry), value, __ATOMIC_RELEASE);
    }
    Result<Mfn> take_table() {
        if (count_ >= pool_)
            return Error{XEN_ENOMEM};
        const Result<Mfn> frame = machine_.frames.take(owner_hypervisor);
        count_ += frame.ok();
        return frame;
    }
    void give_back_table(Mfn table) {
        --count_;
        if (quarantine_ != nullptr)
            quarantine_->put_table(table);
        else
            machine_.frames.give_back(table);
    }

private:
    Machine& machine_;
    u64& count_;
    const u64 pool_;
    Quarantine* quarantine_;
};

x86::PageTable<TableFrames> tables(const Machine& machine, TableFrames& memory, Mpa root,
                                   x86::LastTable* last = nullptr) {
    return {*machine.engine->nested_format, memory, frame_of(root), last};
}

}  // namespace

P2m::P2m(Machine& machine)
    : machine_{machine},
      generation_{household(machine).p2ms.fetch_add(1, std::memory_order_relaxed) << 32} {}

Result<> P2m::open() {
    TableFrames memory{machine_, table_frames_, pool};
    root_ = address_of(TRY(memory.take_table()));
    return {};
}

void P2m::seal() {
    Guard guard{lock_};
    sealed_ = true;
}

void P2m::close() {
    TableFrames memory{machine_, table_frames_};
    if (root_.value != 0)
        tables(machine_, memory, root_).drop();
}

Result<> P2m::add(Gfn gfn, Mfn frame, u8 order, x86::Access access, x86::MemoryType type,
                  Quarantine* quarantine) {
    Guard guard{lock_};
    if (sealed_)
        return Error{XEN_ESRCH};
    TableFrames memory{machine_, table_frames_, pool, quarantine};
    (void)TRY(tables(machine_, memory, root_, &last_).map(gfn, {frame, order, access, type}, true));
    const Gfn last = gfn + (1ull << order) - 1;
    highest_ = highest_ < last ? last : highest_;
    return {};
}

Result<Mfn> P2m::remove(Gfn gfn, u8 order, DomainId owner) {
    Guard guard{lock_};
    TableFrames memory{machine_, table_frames_, pool};
    return tables(machine_, memory, root_, &last_).unmap(gfn, order, [&](const GuestFrame& page) {
        return !page.access.borrowed &&
               (owner == owner_nobody || machine_.frames.row(page.frame).owner == owner);
    });
}

Result<Mfn> P2m::return_borrowed(Gfn gfn) {
    Guard guard{lock_};
    TableFrames memory{machine_, table_frames_, pool};
    return tables(machine_, memory, root_, &last_).unmap(
        gfn, 0, [](const GuestFrame& page) { return page.access.borrowed; });
}

[[gnu::always_inline]] inline Result<GuestFrame> P2m::find_here(Gfn gfn, x86::LastTable* last) {
    TableFrames memory{machine_, table_frames_};
    GuestFrame found = TRY(tables(machine_, memory, root_, last).look_up(gfn));
    found.frame = frame_of_gfn(found, gfn);
    return found;
}

Result<GuestFrame> P2m::find(Gfn gfn) { return find_here(gfn, nullptr); }

Result<GuestFrame> P2m::look_up(Gfn gfn) {
    Guard guard{lock_};
    return find(gfn);
}

Result<GuestFrame> P2m::hold(Gfn gfn) {
    Guard guard{lock_};
    const GuestFrame found = TRY(find(gfn));
    if (found.access.borrowed || !machine_.frames.is_ram(found.frame))
        return Error{XEN_ENOENT};
    add_use(machine_, found.frame);
    return found;
}

Result<Mfn> P2m::hold_own(Gfn gfn, DomainId owner, bool write) {
    Guard guard{lock_};
    const GuestFrame found = TRY(find_here(gfn, &last_));
    // Not what it has borrowed, no device, and no frame of another's that is shown to it
    if (found.access.borrowed || (write && !found.access.write) ||
        !machine_.frames.is_ram(found.frame) || machine_.frames.row(found.frame).owner != owner)
        return Error{XEN_ENOENT};
    add_use(machine_, found.frame);
    return found.frame;
}

Result<GuestFrame> P2m::next_mapping(Gfn& gfn) {
    Guard guard{lock_};
    TableFrames memory{machine_, table_frames_};
    return tables(machine_, memory, root_, &last_).first_page(gfn);
}

}  // namespace hv

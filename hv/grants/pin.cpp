// Pins: a page that somebody was promised stays in being, and marked, while it is in use.
#include <domains/memory.hpp>
#include <grants/entry.hpp>

namespace hv {
namespace {

/// Says in the entry what is no longer true now that the pin's counts are as they are.
void unmark(const Entry& entry, const Pin& pin, bool write) {
    const u16 read_flag = pin.held() ? 0 : GTF_reading;
    const u16 write_flag = write && pin.writers == 0 ? GTF_writing : 0;
    if ((read_flag | write_flag) != 0)
        entry.clear(read_flag | write_flag);
}

/// The first use of a promise: its page, or the other promise that it stands for.
Result<> begin(Domain& owner, Pin& pin, const PinWish& wish, const PinnedPage& page, u64 gfn) {
    Mfn frame{};
    if (!page.transitive)
        frame = TRY(owner.p2m.hold_own(Gfn{gfn}, owner.id, wish.write));
    pin = {.frame = static_cast<u32>(frame.value),
           .holder = static_cast<DomainId>(wish.holder & 0x7fff), .partial = page.partial};
    return {};
}

/// Makes room for the pins of all promises up to one. XEN_ENOMEM.
Result<> add_pins(Machine& machine, GrantTable& table, GrantRef last) {
    while (table.pin_frames <= last / GrantTable::pins_per_frame) {
        const Mfn pins = TRY(machine.frames.take(owner_hypervisor));
        table.pins[table.pin_frames++] = machine.memory.as<Pin>(address_of(pins));
    }
    return {};
}

}  // namespace

GrantStatus pin(Domain& owner, const PinWish& wish, PinnedPage& page) {
    GrantTable& table = grants_of(owner);
    Guard guard{table.lock};
    if (wish.ref >= table.entry_count() || table.limit == 0)  // it is dying
        return GNTST_bad_gntref;
    if (!add_pins(owner.machine, table, wish.ref).ok())
        return GNTST_no_space;
    Pin& pin = table.pin(wish.ref);
    const bool held = pin.held();
    u8& count = wish.write ? pin.writers : pin.readers;
    if (held && (pin.holder != wish.holder || count == Pin::most || (wish.map && pin.partial)))
        return GNTST_general_error;

    // What is held whole already, with these rights, is not asked for again: as on Xen, its guest
    // cannot take back what is in use
    const Entry entry{table, owner.machine.memory, wish.ref};
    if (!held || pin.partial || (wish.write && pin.writers == 0))
        if (const auto status = entry.mark(wish, held); status != GNTST_okay)
            return status;
    const u64 gfn = entry.read(wish.map, page);
    if (held && !pin.partial)
        page = {};
    const bool begun = held || begin(owner, pin, wish, page, gfn).ok();
    if (!begun || page.transitive != (pin.frame == 0)) {
        unmark(entry, pin, wish.write);
        return begun ? GNTST_general_error : GNTST_bad_page;
    }
    ++count;
    page.frame = Mfn{pin.frame};
    return GNTST_okay;
}

void unpin(Domain& owner, GrantRef ref, bool write) {
    GrantTable& table = grants_of(owner);
    Mfn last{};
    {
        Guard guard{table.lock};
        Pin& pin = table.pin(ref);
        --(write ? pin.writers : pin.readers);
        unmark({table, owner.machine.memory, ref}, pin, write);
        if (!pin.held())
            last = Mfn{std::exchange(pin, {}).frame};
    }
    if (last.value != 0)
        end_use(owner.machine, last);
}

}  // namespace hv

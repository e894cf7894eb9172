// The hypervisor's own view of a guest's pages: opening it, and finding what was not seen yet.
#include <domains/guest_view.hpp>
#include <domains/household.hpp>

namespace hv {

GuestView::GuestView(Domain& domain) : domain_{domain}, here_{whereabouts(this_cpu())} {
    // A generation belongs to one domain: another number means another time, or another domain
    const u64 generation = announce_entry(here_, domain);
    if (here_.seen.generation != generation)
        here_.seen = {.generation = generation};
}

bool GuestView::find(Gfn gfn, SeenPage& seen) {
    const Result<GuestFrame> found = domain_.p2m.look_up(gfn);
    Machine& machine = domain_.machine;
    if (!found.ok() || !found->access.read || !machine.frames.is_ram(found->frame))
        return false;
    seen = {gfn, found->access.write, machine.memory.at(found->frame)};
    return true;
}

}  // namespace hv

// Where a guest's ring to the store is: its toolstack has left word of it.
#include "hypercall.hpp"
#include "store.hpp"

namespace kit {

Result<GuestStore*> open_store() {
    const u64 frame = TRY(get_param(HVM_PARAM_STORE_PFN));
    const u64 port = TRY(get_param(HVM_PARAM_STORE_EVTCHN));
    if (frame == 0 || port == 0) return Error{Errno::XEN_ENOENT};
    auto* ring = reinterpret_cast<xenstore_domain_interface*>(frame << page_shift);
    return new GuestStore{*ring, u32(port)};
}

}  // namespace kit

// A machine with event channels, and guests that use them as the public header tells.
#pragma once

#include <domains/shared_info.hpp>
#include <events/ports.hpp>
#include <set>
#include <unit/small_machine.hpp>

namespace hv::test {

/// dom0 and one guest, each with one vCPU and up to 1,023 ports.
class EventGuests : public ::testing::Test {
protected:
    using evtchn_port_list = std::vector<u32>;

    explicit EventGuests(unsigned cpus = 1) : small{64 * MiB, cpus} {}

    /// The hypercall by the domain's vCPU 0, with its argument in place.
    virtual s64 ask(Domain& caller, unsigned operation) {
        return small.call(caller, __HYPERVISOR_event_channel_op, {operation, argument_at});
    }
    /// EVTCHNOP_*: 0 or a negated error; `wish` comes back as the hypervisor left it.
    template <class Wish>
    s64 op(Domain& caller, unsigned operation, Wish& wish) {
        small.put(caller, argument_at, wish);
        const s64 result = ask(caller, operation);
        small.get(caller, argument_at, wish);
        return result;
    }
    u32 unbound(Domain& owner, DomainId remote) {
        evtchn_alloc_unbound_t wish{DOMID_SELF, remote, 0};
        EXPECT_EQ(op(owner, EVTCHNOP_alloc_unbound, wish), 0);
        return wish.port;
    }
    s64 bind(Domain& caller, DomainId remote, u32 remote_port, u32& local_port) {
        evtchn_bind_interdomain_t wish{remote, remote_port, 0};
        const s64 result = op(caller, EVTCHNOP_bind_interdomain, wish);
        local_port = wish.local_port;
        return result;
    }
    u32 ipi(Domain& caller) {
        evtchn_bind_ipi_t wish{0, 0};
        EXPECT_EQ(op(caller, EVTCHNOP_bind_ipi, wish), 0);
        return wish.port;
    }
    s64 send(Domain& caller, u32 port) {
        evtchn_send_t wish{port};
        return op(caller, EVTCHNOP_send, wish);
    }
    s64 close(Domain& caller, u32 port) {
        evtchn_close_t wish{port};
        return op(caller, EVTCHNOP_close, wish);
    }
    u32 status(Domain& caller, u32 port) {
        evtchn_status_t wish{};
        wish.dom = DOMID_SELF;
        wish.port = port;
        return op(caller, EVTCHNOP_status, wish) == 0 ? wish.status : ~0u;
    }
    s64 unmask(Domain& caller, u32 port) {
        evtchn_unmask_t wish{port};
        return op(caller, EVTCHNOP_unmask, wish);
    }

    /// What a two-level guest finds when its upcall comes: the ports pending and not masked.
    evtchn_port_list take_two_level(Domain& domain) {
        evtchn_port_list found;
        PlacedVcpuInfo& info = *domain.vcpus[0]->info;
        info.abi.evtchn_upcall_pending = 0;
        const EventWords words = event_words(domain);
        for (u32 word = 0; word < 64; ++word) {
            if (!(info.abi.evtchn_pending_sel >> word & 1))
                continue;
            for (u32 port = word * 64; port < word * 64 + 64; ++port) {
                const u8 bit = static_cast<u8>(1u << port % 8);
                if (words.pending[port / 8] & ~words.mask[port / 8] & bit) {
                    words.pending[port / 8] &= static_cast<u8>(~bit);
                    found.push_back(port);
                }
            }
        }
        info.abi.evtchn_pending_sel = 0;
        return found;
    }
    bool upcall(Domain& domain) { return domain.vcpus[0]->info->abi.evtchn_upcall_pending != 0; }
    void mask_two_level(Domain& domain, u32 port) {
        event_words(domain).mask[port / 8] |= static_cast<u8>(1u << port % 8);
    }

    static constexpr u64 argument_at = 0x8000;
    SmallMachine small;
    bool opened = events::plug.open(small.machine(), small.cpu()).ok();
    Domain& dom0 = small.add_domain();
    Domain& guest = small.add_domain();
};

}  // namespace hv::test

// Event channels in their two-level form: doorbells that a guest can ring, and be rung by.
#pragma once

#include "types.hpp"

namespace kit {

/// What a ring needs of its doorbell.
class Bell {
public:
    /// Wakes the other end.
    virtual void ring() = 0;
    /// Sleeps until the other end has rung since the last wait; may come back early.
    virtual void wait() = 0;

protected:
    ~Bell() = default;
};

/// Asks Xen to interrupt vCPU 0 with `vector` whenever an event is pending, through its local APIC.
Result<> events_init(u8 vector);

/// Asks for a port that rings at VIRQ `virq` (xen/xen.h).
Result<u32> bind_virq(u32 virq);

/// Rings the port of VIRQ_TIMER, which this binds, every `period_ns` from now on.
Result<> ring_each(u64 period_ns);

/// Connects to `remote_port`, which `domain` has offered to us.
Result<u32> bind_interdomain(u16 domain, u32 remote_port);

/// Offers a port of `domain` to `remote`: the toolstack does it on a new guest's behalf.
Result<u32> alloc_unbound(u16 domain, u16 remote);

void send_event(u32 port);
void close_port(u32 port);

/// Takes the pending bit of `port`: true when it was set.
bool take_pending(u32 port);

/// True when Xen has said that some event is pending. Clears the word.
bool take_upcall();

/// Sleeps until one of `ports`, at most 128, is pending (SCHEDOP_poll), or system time `until_ns`
/// has come; 0: for as long as it takes. Pending bits stay as they are.
void sleep_until_rung(std::span<const u32> ports, u64 until_ns = 0);

/// The doorbell behind a port of ours.
class PortBell final : public Bell {
public:
    explicit PortBell(u32 port) : port_{port} {}
    void ring() override { send_event(port_); }
    void wait() override {
        while (!take_pending(port_))
            sleep_until_rung({&port_, 1});
    }
    u32 port() const { return port_; }

private:
    u32 port_;
};

}  // namespace kit

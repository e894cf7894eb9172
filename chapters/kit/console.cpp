// Where a guest's words go: Xen's console, its console ring, or the debug port.
#include "console_ring.hpp"
#include "cpu.hpp"
#include "hypercall.hpp"
#include "print.hpp"

namespace kit {
namespace {

class DebugPort final : public Sink {
public:
    void write(std::string_view text) override {
        for (char letter : text)
            out8(XEN_HVM_DEBUGCONS_IOPORT, u8(letter));
    }
};

/// Xen's own console: only for a privileged domain.
class XenConsole final : public Sink {
public:
    void write(std::string_view text) override {
        if (text.empty()) return;
        hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, text.size(), address(text.data()));
    }
    bool works() {
        return hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 0, address(this)) == 0;
    }
    int read() {
        char letter = 0;
        long got = hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 1, address(&letter));
        return got == 1 ? u8(letter) : -1;
    }
};

/// The console ring that the toolstack furnished. A full ring is waited for: its reader polls.
class RingConsole final : public Sink {
public:
    bool find() {
        auto frame = get_param(HVM_PARAM_CONSOLE_PFN);
        if (!frame || *frame == 0) return false;
        ring_ = reinterpret_cast<xencons_interface*>(*frame << page_shift);
        if (has_events) port_ = u32(get_param(HVM_PARAM_CONSOLE_EVTCHN).value_or(0));
        return true;
    }
    void write(std::string_view text) override {
        while (!text.empty()) {
            size_t taken = guest_put(*ring_, text);
            text.remove_prefix(taken);
            kick();
            if (taken == 0) hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
        }
    }
    int read() {
        int letter = guest_get(*ring_);
        if (letter >= 0) kick();
        return letter;
    }

private:
    void kick() {
        if (port_ == 0) return;
        evtchn_send argument = {port_};
        (void)event_channel_op(EVTCHNOP_send, &argument);
    }
    xencons_interface* ring_ = nullptr;
    u32 port_ = 0;
};

constinit DebugPort debug_port;
constinit XenConsole xen_console;
constinit RingConsole ring_console;
constinit Sink* chosen = &debug_port;

}  // namespace

Sink& console() { return *chosen; }

void console_init() {
    if (xen_console.works())
        chosen = &xen_console;
    else if (ring_console.find())
        chosen = &ring_console;
}

int console_read() {
    if (chosen == &xen_console) return xen_console.read();
    if (chosen == &ring_console) return ring_console.read();
    return -1;
}

std::string_view describe(Errno code) {
    switch (code) {
    case Errno::XEN_EPERM: return "not permitted";
    case Errno::XEN_ENOENT: return "no such thing";
    case Errno::XEN_ESRCH: return "no such domain";
    case Errno::XEN_ENOMEM: return "out of memory";
    case Errno::XEN_EFAULT: return "bad address";
    case Errno::XEN_EBUSY: return "busy";
    case Errno::XEN_EEXIST: return "exists already";
    case Errno::XEN_EINVAL: return "invalid argument";
    case Errno::XEN_ENOSPC: return "no room left";
    case Errno::XEN_ENOSYS: return "unknown hypercall";
    case Errno::XEN_EOPNOTSUPP: return "not supported";
    default: return "refused";
    }
}

}  // namespace kit

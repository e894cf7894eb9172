// The whole machine, as dom0 asks for it: its console, and sysctl. Guests may do neither.
#include <algorithm>
#include <domains/calls.hpp>
#include <xen/sysctl.h>

namespace hv {
namespace {

constexpr size_t chunk_size = 128;

Answer write_console(Call& call, u32 count, u64 buffer) {
    char chunk[chunk_size];
    while (count > 0) {
        const u32 piece = std::min<u32>(count, chunk_size);
        TRY(call.read(chunk, buffer, piece));
        call.domain.machine.console.write_guest({chunk, piece});
        count -= piece;
        buffer += piece;
        if (count > 0 && call.should_stop()) {
            call.set_argument(1, count);
            call.set_argument(2, buffer);
            return Call::again;
        }
    }
    return 0;
}

/// Returns how many bytes were read, at most a chunk at a time.
Answer read_console(Call& call, u32 count, u64 buffer) {
    if (count > INT32_MAX)
        return refuse(XEN_E2BIG);
    char chunk[chunk_size];
    const size_t got = call.domain.machine.console.read(chunk, std::min<size_t>(count, chunk_size));
    TRY(call.write(buffer, chunk, got));
    return static_cast<s64>(got);
}

}  // namespace

Answer console_io(Call& call) {
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);
    const u32 count = static_cast<u32>(call.argument(1));
    switch (static_cast<u32>(call.argument(0))) {
    case CONSOLEIO_write: return write_console(call, count, call.argument(2));
    case CONSOLEIO_read: return read_console(call, count, call.argument(2));
    default: return refuse(XEN_ENOSYS);
    }
}

namespace {

Result<> give_physinfo(const Machine& machine, xen_sysctl_physinfo& info) {
    info = {};
    info.threads_per_core = 1;
    info.cores_per_socket = machine.cpu_count;
    info.nr_cpus = machine.cpu_count;
    info.max_cpu_id = machine.cpu_count - 1u;
    info.nr_nodes = 1;
    info.cpu_khz = static_cast<u32>(machine.clock.ticks_per_second / 1000);
    info.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                        XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info.total_pages = machine.frames.ram_count();
    info.free_pages = machine.frames.free_count();
    info.max_mfn = machine.frames.frame_count() - 1;
    return {};
}

/// The hypervisor's own words: what dmesg shows. The index counts bytes ever written.
Result<> read_ring(Call& call, xen_sysctl_readconsole& wish) {
    const Console& console = call.domain.machine.console;
    const u64 written = console.written();
    const u64 oldest = written > Console::ring_size ? written - Console::ring_size : 0;
    const u64 wanted = (written & ~u64{UINT32_MAX}) | wish.index;
    u64 from = wish.incremental ? std::max(oldest, std::min(wanted, written)) : oldest;

    char chunk[256];
    u32 done = 0;
    while (done < wish.count) {
        const size_t got =
            console.copy_ring(from, chunk, std::min<size_t>(sizeof chunk, wish.count - done));
        if (got == 0)
            break;
        TRY(call.write(address_in(wish.buffer) + done, chunk, got));
        from += got;
        done += static_cast<u32>(got);
    }
    wish.count = done;
    wish.index = static_cast<u32>(from);
    return {};
}

/// How long each pCPU has been idle.
Result<> give_cpu_info(Call& call, xen_sysctl_getcpuinfo& wish) {
    const Machine& machine = call.domain.machine;
    const u32 count = std::min<u32>(wish.max_cpus, machine.cpu_count);
    for (u32 number = 0; number < count; ++number) {
        const xen_sysctl_cpuinfo_t info{whereabouts(*machine.cpus[number]).idle_time};
        TRY(call.write(address_in(wish.info) + number * sizeof info, info));
    }
    wish.nr_cpus = count;
    return {};
}

/// The trace. `evt_mask` is of TraceBits, where Xen's is of event classes; the rings lie end to
/// end from frame `buffer_mfn` on, `size` bytes for each pCPU, where Xen names a page that lists
/// them. Each is a TraceRing, and its reader keeps the place that Xen keeps in the ring.
Result<> change_trace(Call& call, xen_sysctl_tbuf_op& wish) {
    Machine& machine = call.domain.machine;
    switch (wish.cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        wish.evt_mask = machine.traced;
        wish.buffer_mfn = frame_of(machine.trace_rings).value;
        wish.size = static_cast<u32>(machine.trace_bytes);
        return {};
    case XEN_SYSCTL_TBUFOP_set_cpu_mask: {
        const u32 bits = std::min<u32>(wish.cpu_mask.nr_bits, max_cpus);
        u64 cpus = 0;
        TRY(call.read(&cpus, address_in(wish.cpu_mask.bitmap), (bits + 7) / 8));
        machine.traced_cpus = cpus & ((1u << bits) - 1);
        break;
    }
    case XEN_SYSCTL_TBUFOP_set_evt_mask: machine.traced = wish.evt_mask; break;
    case XEN_SYSCTL_TBUFOP_enable:
    case XEN_SYSCTL_TBUFOP_disable: machine.tracing = wish.cmd == XEN_SYSCTL_TBUFOP_enable; break;
    default: return Error{XEN_EINVAL};  // set_size among them: that is a boot option's
    }
    for (u16 number = 0; number < machine.cpu_count; ++number)
        set_traced(*machine.cpus[number]);
    return {};
}

/// Fills in what `op` asks for.
Result<> look_into(Call& call, xen_sysctl_t& op) {
    switch (op.cmd) {
    case XEN_SYSCTL_readconsole: return read_ring(call, op.u.readconsole);
    case XEN_SYSCTL_tbuf_op: return change_trace(call, op.u.tbuf_op);
    case XEN_SYSCTL_physinfo: return give_physinfo(call.domain.machine, op.u.physinfo);
    case XEN_SYSCTL_getcpuinfo: return give_cpu_info(call, op.u.getcpuinfo);
    default: return Error{XEN_ENOSYS};
    }
}

}  // namespace

Answer sysctl(Call& call) {
    const u64 address = call.argument(0);
    auto op = TRY(call.read<xen_sysctl_t>(address));
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return refuse(XEN_EACCES);
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);
    TRY(look_into(call, op));
    return call.write(address, op);
}

}  // namespace hv

// The console by hypercall: dom0 prints and reads what came in on COM1. Guests may do neither.
#include <algorithm>
#include <domains/calls.hpp>

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
    case CONSOLEIO_write:
        return write_console(call, count, call.argument(2));
    case CONSOLEIO_read:
        return read_console(call, count, call.argument(2));
    default:
        return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv

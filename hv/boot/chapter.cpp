// What the first chapter plugs into the machine.
#include <boot/chapter.hpp>
#include <boot/trace.hpp>

namespace hv {

constinit const Plug boot_plug{
    .chapter = Chapter::boot,
    .title = "Boot",
    .events = boot::events,
    .open = nullptr,
    .open_cpu = nullptr,
};

}  // namespace hv

// What the first chapter plugs into the machine.
#include <boot/chapter.hpp>
#include <boot/engines.hpp>
#include <boot/trace.hpp>

namespace hv::boot {

constinit const Plug plug{
    .chapter = Chapter::boot,
    .title = "Boot",
    .events = events,
    .open = choose_engine,
    .open_cpu = nullptr,
};

}  // namespace hv::boot

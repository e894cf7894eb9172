// The composition root: the one machine, and the chapters that this build has.
#include <boot/start.hpp>
#if HV_THROUGH >= HV_DOMAINS
#include <domains/household.hpp>
#endif
#if HV_THROUGH >= HV_GRANTS
#include <grants/grant_table.hpp>
#endif
#if HV_THROUGH >= HV_EVENTS
#include <events/ports.hpp>
#endif

namespace hv {
namespace {

constexpr const Plug* plugs[] = {
    &boot::plug,
#if HV_THROUGH >= HV_DOMAINS
    &domains::plug,
#endif
#if HV_THROUGH >= HV_GRANTS
    &grants::plug,
#endif
#if HV_THROUGH >= HV_EVENTS
    &events::plug,
#endif
};

constinit Machine machine;

/// Room for the boot pCPU's Cpu, which is built when the machine wakes.
struct FirstCpu {
    alignas(Cpu) unsigned char room[sizeof(Cpu)];
};
constinit FirstCpu first_cpu{};

}  // namespace
}  // namespace hv

/// The first C++ that runs: entry.S calls it with what the loader left in EAX and EBX, and with the
/// machine address of the image.
extern "C" [[noreturn]] void start(hv::u32 magic, hv::u32 info, hv::u32 image) {
    hv::Cpu& cpu = *new (hv::first_cpu.room) hv::Cpu;
    hv::boot::wake(hv::machine, cpu, hv::plugs, {magic, hv::Mpa{info}, hv::Mpa{image}});
}

// Takes frames from a PC's memory in two ways, and looks at what lay in them.
#include <boot/handover.hpp>
#include <cstdio>
#include <vector>

namespace {

using namespace hv;
using Kind = MemoryRange::Kind;

/// What firmware says of a PC with 256 MiB: lines as SeaBIOS gives them, to QEMU's loader and GRUB.
constexpr MemoryRange told[] = {
    {Mpa{0}, 0x9fc00, Kind::usable},
    {Mpa{0x9fc00}, 0x400, Kind::reserved},
    {Mpa{0xf0000}, 0x10000, Kind::reserved},
    {Mpa{0x100000}, 0xfee0000, Kind::usable},
    {Mpa{0xffe0000}, 0x20000, Kind::reserved},
    {Mpa{0xfffc0000}, 0x40000, Kind::reserved},
};

/// What lies in it: firmware's vectors and data, GRUB's information, the image, and its module.
constexpr boot::Occupied there[] = {
    {Mpa{0}, Mpa{0x500}},
    {Mpa{0x18c000}, Mpa{0x18d000}},
    {Mpa{0x200000}, Mpa{0x227000}},
    {Mpa{0x228000}, Mpa{0x3a8000}},
};
constexpr Mpa first_byte{0x200000};

bool holds_something(Mpa frame) {
    for (const boot::Occupied& thing : there)
        if (thing.start < frame + page_size && frame < thing.end)
            return true;
    return false;
}

/// The obvious design: RAM is what is called usable, and it is taken from the bottom.
std::vector<Mpa> believe(size_t count) {
    std::vector<Mpa> taken;
    for (const MemoryRange& line : told)
        for (Mpa at = line.start; line.usable() && at + page_size <= line.end();
             at = at + page_size)
            if (taken.size() < count)
                taken.push_back(at);
    return taken;
}

/// The hypervisor's: what is usable, put in order, less what somebody holds.
std::vector<Mpa> subtract(size_t count) {
    MachineFacts facts;
    std::vector<Mpa> taken;
    const boot::Occupied kept[] = {{Mpa{0}, Mpa{MiB}}, there[1], there[2], there[3]};
    if (boot::order_memory_map(told, facts).ok())
        boot::for_each_free(facts.ranges(), kept, [&](Mpa start, Mpa end) {
            for (Mpa at = start; at < end && taken.size() < count; at = at + page_size)
                taken.push_back(at);
        });
    return taken;
}

void tell(const char* design, const std::vector<Mpa>& taken) {
    unsigned held = 0, before = 0;
    for (const Mpa frame : taken) {
        held += holds_something(frame);
        before += frame < first_byte;
    }
    std::printf("%s, frames taken: %zu\n", design, taken.size());
    std::printf("%s, of these not free: %u\n", design, held);
    if (before < taken.size() && taken[before] == first_byte)
        std::printf("%s, taken before my first byte is one of them: %u\n", design, before);
}

}  // namespace

int main() {
    tell("believed", believe(1024));
    tell("subtracted", subtract(1024));
}

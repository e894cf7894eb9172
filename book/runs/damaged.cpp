// Damages a loader's list in 5,000 ways, and walks each by a cast, and as the hypervisor does.
#include <boot/handover.hpp>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

namespace {

using namespace hv;
using Bytes = std::vector<u8>;

constexpr u32 lists = 5000, list_at = 0x1000, room = 0x3000;

void put(Bytes& bytes, u32 word) {
    const u8* raw = reinterpret_cast<const u8*>(&word);
    bytes.insert(bytes.end(), raw, raw + sizeof word);
}

/// A list as GRUB writes it: a command line, a module, a map of one line, and the end.
Bytes good_list() {
    Bytes list;
    for (const u32 word : {0u, 0u, 1u, 12u, 0x706c6568u, 0u, 3u, 16u, 0x300000u, 0x380000u,
                           6u, 40u, 24u, 0u, 0u, 0u, 0x10000000u, 0u, 1u, 0u, 0u, 8u})
        put(list, word);
    const u32 bytes = static_cast<u32>(list.size());
    std::memcpy(list.data(), &bytes, sizeof bytes);
    return list;
}

/// Follows the sizes that the tags give, as a loop over a cast pointer does. True: it came to the
/// end. Otherwise it has left the list, or goes round in it for ever.
bool walk_by_cast(const Bytes& list, bool& for_ever) {
    size_t at = 8;
    for (unsigned step = 0; step < 1000; ++step) {
        u32 tag[2];
        if (at + sizeof tag > list.size())
            return false;
        std::memcpy(tag, &list[at], sizeof tag);
        if (tag[0] == 0)
            return true;
        at += align_up(tag[1], 8);
    }
    for_ever = true;
    return false;
}

/// Reads the list in memory of 12 KiB as the hypervisor does. False: it was refused, with a reason.
bool walk_with_care(const Bytes& list) {
    Bytes memory(room);
    std::copy(list.begin(), list.end(), memory.begin() + list_at);
    boot::LoaderFacts raw;
    MachineFacts facts;
    const boot::Handover handover{boot::multiboot2_magic, Mpa{list_at}, {}};
    return !boot::read_handover(PhysicalMemory{memory.data(), room}, handover, raw, facts);
}

}  // namespace

int main() {
    std::mt19937 random{42};
    unsigned astray = 0, round = 0, read = 0;
    for (u32 i = 0; i < lists; ++i) {
        Bytes list = good_list();
        for (u32 change = 0; change < 3; ++change)
            list[8 + random() % (list.size() - 8)] = static_cast<u8>(random());
        bool for_ever = false;
        astray += !walk_by_cast(list, for_ever);
        round += for_ever;
        read += walk_with_care(list);
    }
    std::printf("by a cast, lists that it leaves: %u\n", astray - round);
    std::printf("by a cast, lists in which it runs for ever: %u\n", round);
    std::printf("with care, lists refused with a reason: %u\n", lists - read);
    std::printf("with care, lists read: %u\n", read);
}

// Takes one page out of a 1 GiB page, in two ways, and asks after every write what a CPU finds.
#include <cstdio>
#include <unordered_map>
#include <x86/page_table.hpp>

namespace {

using namespace hv;
using namespace hv::x86;

constexpr Gfn first{512 * 512}, hole{512 * 512 + 700};
constexpr Mapping gigabyte{Mfn{0x40000}, 18, full_access};

/// Tables in a map. After each write it walks as a CPU would, through whatever is there.
struct WatchedMemory {
    std::unordered_map<u64, u64> words;
    u64 next = 0x1000, writes = 0, unsafe = 0;
    bool watching = false;

    u64 read(Mpa entry) const {
        const auto found = words.find(entry.value);
        return found == words.end() ? 0 : found->second;
    }
    void write(Mpa entry, u64 value) {
        words[entry.value] = value;
        writes += watching;
        unsafe += watching && !all_others_stand();
    }
    Result<Mfn> take_table() { return Mfn{next++}; }
    void give_back_table(Mfn) {}

    bool stands(u64 at) {
        const PageTable<WatchedMemory> table{host_format, *this, Mfn{0x1000}};
        const Gfn gfn = first + at;
        const Result<Mapping> page = table.look_up(gfn);
        return gfn == hole || (page.ok() && frame_of_gfn(*page, gfn) == gigabyte.frame + at);
    }

    /// True when every frame that nobody touches is still where it was. No entry but those on the
    /// way to the hole is split, so one frame of each other 2 MiB speaks for all 512.
    bool all_others_stand() {
        const u64 near = align_down(hole.value - first.value, 512);
        for (u64 at = 0; at < 512 * 512; at += at >= near && at < near + 512 ? 1 : 512)
            if (!stands(at))
                return false;
        return true;
    }
};

/// Where a table of `level` has its entry for the hole.
constexpr Mpa entry_of_hole(Mfn table, unsigned level) {
    return address_of(table) + (hole.value >> order_of_level(level) & 511) * 8;
}

/// The obvious design: link an empty table, then write the pieces into it, level by level.
void take_out_carelessly(WatchedMemory& memory) {
    const u64 top = memory.read(entry_of_hole(Mfn{0x1000}, 3));
    Mpa entry = entry_of_hole(host_format.frame(top), 2);
    for (unsigned level = 2; level > 0; --level) {
        Mapping piece = host_format.read(memory.read(entry), level);
        piece.order = order_of_level(level - 1);
        const Mfn fresh = *memory.take_table();
        memory.write(entry, host_format.table(fresh));
        for (u64 index = 0; index < 512; ++index) {
            memory.write(address_of(fresh) + index * 8, host_format.leaf(piece));
            piece.frame = piece.frame + (1ull << piece.order);
        }
        entry = entry_of_hole(fresh, level - 1);
    }
    memory.write(entry, 0);
}

/// Makes the 1 GiB page, lets `take_out` make the hole, and says what was seen meanwhile.
template <class TakeOut>
void tell(const char* design, TakeOut take_out) {
    WatchedMemory memory;
    const Mfn root = *memory.take_table();
    PageTable<WatchedMemory> table{host_format, memory, root};
    if (!table.map(first, gigabyte).ok())
        return;
    memory.watching = true;
    take_out(memory, table);
    std::printf("%s, writes: %lu\n", design, memory.writes);
    std::printf("%s, of these unsafe: %lu\n", design, memory.unsafe);
}

}  // namespace

int main() {
    tell("link first", [](WatchedMemory& memory, auto&) { take_out_carelessly(memory); });
    tell("link last", [](WatchedMemory&, auto& table) {
        (void)table.unmap(hole, 0, [](const Mapping&) { return true; });
    });
}

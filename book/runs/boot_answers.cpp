// Answers to the exercises of chapter boot: each asks the hypervisor's own code.
#include <boot/address_space.hpp>
#include <boot/time.hpp>
#include <cstdio>
#include <vector>

namespace {

using namespace hv;
using boot::EarlyFrames;
using boot::HostTables;
using Kind = MemoryRange::Kind;

/// Room for tables to be made in.
struct Workshop {
    static constexpr u64 room = 64 * MiB;
    std::vector<u8> bytes = std::vector<u8>(room);
    PhysicalMemory memory{bytes.data(), room};
    EarlyFrames frames{memory, Mpa{page_size}, Mpa{room}};
    HostTables tables{memory, frames, true};

    Workshop() { (void)tables.begin(); }
    void map(u64 from, u64 to) {
        (void)tables.map(boot::direct_map + from, Mpa{from}, to - from, x86::read_write);
    }
};

void order_by_hand() {
    const MemoryRange lines[] = {{Mpa{0}, 0x10000, Kind::usable},
                                 {Mpa{0x4800}, 0x2000, Kind::reserved},
                                 {Mpa{0x6000}, 0x1000, Kind::acpi}};
    MachineFacts facts;
    (void)boot::order_memory_map(lines, facts);
    for (const MemoryRange& line : facts.ranges())
        std::printf("1: %lx to %lx, kind %d\n", line.start.value, line.end().value,
                    static_cast<int>(line.kind));
}

void price_of_holes() {
    constexpr u64 TiB = 1024 * GiB, top = TiB + 2 * GiB;
    const MemoryRange map[] = {{Mpa{0}, 2 * GiB, Kind::usable}, {Mpa{TiB}, 2 * GiB, Kind::usable}};
    Workshop shop;
    const auto frames = shop.tables.map_frame_table(boot::frame_table_window, map);
    std::printf("2: frames of rows: %lu\n", frames.ok() ? *frames : 0);
    std::printf("2: frames of rows, with one for each number: %lu\n",
                top / page_size * sizeof(FrameRow) / page_size);
}

void count_blocks(const char* when, const FrameTable& table) {
    unsigned blocks = 0, unscrubbed = 0;
    for (u64 at = 0; at < table.frame_count(); ++at) {
        blocks += table.row(Mfn{at}).state >= FrameState::free;
        unscrubbed += table.row(Mfn{at}).state == FrameState::unscrubbed;
    }
    std::printf("3: %s, free blocks: %u\n", when, blocks);
    std::printf("3: %s, of these unscrubbed: %u\n", when, unscrubbed);
}

void one_frame() {
    std::vector<u8> bytes(8 * MiB);
    std::vector<FrameRow> rows(2048);
    const PhysicalMemory memory{bytes.data(), bytes.size()};
    FrameTable table;
    table.lay_out(memory, rows.data(), rows.size());
    table.add(Mfn{1024}, 1024);
    count_blocks("untouched", table);
    const auto frame = table.take(7);
    count_blocks("one frame taken", table);
    table.give_back(*frame);
    count_blocks("and given back", table);
}

void close_the_door() {
    Workshop open, closed;
    open.map(0, 4 * GiB);
    closed.map(0, 0x200000);
    closed.map(0x213000, 4 * GiB);
    std::printf("4: tables of the direct map: %lu\n", open.tables.table_count());
    std::printf("4: tables without the text in it: %lu\n", closed.tables.table_count());
}

void small_skews() {
    for (const u64 behind : {100, 200}) {
        const boot::SkewRound round[] = {{10'000, 10'180 - behind, 10'360}};
        std::printf("5: behind by %lu, taken for: %lld\n", behind,
                    static_cast<long long>(boot::skew_of(round)));
    }
}

}  // namespace

int main() {
    order_by_hand();
    price_of_holes();
    one_frame();
    close_the_door();
    small_skews();
}

// What loaders hand over: PVH start info and multiboot2 tags, good ones and damaged ones.
#include <boot/handover.hpp>
#include <cstring>
#include <gtest/gtest.h>
#include <unit/mutate.hpp>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

namespace hv {
namespace {

using boot::Handover;
using boot::LoaderFacts;
using test::Bytes;

template <class T>
void put(Bytes& bytes, size_t at, const T& value) {
    std::memcpy(&bytes[at], &value, sizeof value);
}

constexpr size_t info_at = 0x100;

Bytes start_info() {
    Bytes bytes(0x1000);
    put(bytes, info_at, hvm_start_info{XEN_HVM_START_MAGIC_VALUE, 1, 0, 1, 0x300, 0x400, 0x777,
                                       0x500, 2, 0});
    put(bytes, 0x300, hvm_modlist_entry{0x800000, 0x1234, 0, 0});
    std::strcpy(reinterpret_cast<char*>(&bytes[0x400]), "cpus=2 help");
    put(bytes, 0x500, hvm_memmap_table_entry{0, 0xa0000, 1, 0});
    put(bytes, 0x518, hvm_memmap_table_entry{0x100000, 0x700000, 1, 0});
    return bytes;
}

Bytes multiboot2() {
    Bytes bytes(0x1000);
    size_t at = info_at + 8;
    const auto tag = [&](u32 type, const Bytes& body) {
        put(bytes, at, type);
        put(bytes, at + 4, static_cast<u32>(8 + body.size()));
        std::copy(body.begin(), body.end(), &bytes[at + 8]);
        at += align_up(8 + body.size(), 8);
    };
    tag(1, {'c', 'p', 'u', 's', '=', '2', 0});
    Bytes module(8);
    put(module, 0, u32{0x800000});
    put(module, 4, u32{0x801000});
    module.push_back(0);
    tag(3, module);
    Bytes map(8 + 2 * 24);
    put(map, 0, u32{24});
    put(map, 8, u64{0});
    put(map, 16, u64{0xa0000});
    put(map, 24, u32{1});
    put(map, 32, u64{0x100000});
    put(map, 40, u64{0x700000});
    put(map, 48, u32{1});
    tag(6, map);
    Bytes screen(31);
    put(screen, 0, u64{0xfd000000});
    put(screen, 8, u32{3200});
    put(screen, 12, u32{800});
    put(screen, 16, u32{600});
    screen[20] = 32;
    screen[21] = 1;
    tag(8, screen);
    tag(15, Bytes(36));
    tag(0, {});
    put(bytes, info_at, static_cast<u32>(at - info_at));
    return bytes;
}

struct Reading {
    Reading(Bytes& bytes, u32 magic) {
        complaint = boot::read_handover(PhysicalMemory{bytes.data(), bytes.size()},
                                        Handover{magic, Mpa{info_at}, Mpa{0x200000}}, raw, facts);
    }
    const char* complaint = nullptr;
    LoaderFacts raw;
    MachineFacts facts;
};

TEST(BootLoader, ReadsAStartInfo) {
    Bytes bytes = start_info();
    const Reading reading{bytes, boot::pvh_magic};
    ASSERT_EQ(reading.complaint, nullptr);
    EXPECT_EQ(reading.raw.command_line, "cpus=2 help");
    EXPECT_EQ(reading.raw.range_count, 2);
    EXPECT_EQ(reading.facts.module_start.value, 0x800000u);
    EXPECT_EQ(reading.facts.module_bytes, 0x1234u);
    EXPECT_EQ(reading.facts.rsdp.value, 0x777u);
}

TEST(BootLoader, ReadsMultiboot2Tags) {
    Bytes bytes = multiboot2();
    const Reading reading{bytes, boot::multiboot2_magic};
    ASSERT_EQ(reading.complaint, nullptr);
    EXPECT_EQ(reading.raw.command_line, "cpus=2");
    EXPECT_EQ(reading.raw.range_count, 2);
    EXPECT_EQ(reading.facts.module_bytes, 0x1000u);
    EXPECT_NE(reading.facts.rsdp.value, 0u);
    EXPECT_TRUE(reading.facts.screen.usable());
    EXPECT_EQ(reading.facts.screen.start.value, 0xfd000000u);
    EXPECT_EQ(reading.facts.screen.width, 800u);
    EXPECT_EQ(reading.facts.screen.bytes(), 3200u * 600);
}

TEST(BootLoader, RefusesWithAReason) {
    Bytes bytes = start_info();
    const Reading unknown{bytes, 0x2badb002};
    EXPECT_NE(unknown.complaint, nullptr);
    put(bytes, info_at + 4, u32{0});
    const Reading old{bytes, boot::pvh_magic};
    EXPECT_NE(old.complaint, nullptr);
}

TEST(BootLoader, DamageIsNeverReadBeyondMemory) {
    for (const auto& [good, magic] : {std::pair{start_info(), boot::pvh_magic},
                                      std::pair{multiboot2(), boot::multiboot2_magic}}) {
        unsigned read = 0;
        test::mutate(good, 5000, [&, kind = magic](Bytes& bad) {
            const Reading reading{bad, kind};
            read += reading.complaint == nullptr;
        });
        EXPECT_GT(read, 0u);
    }
}

}  // namespace
}  // namespace hv

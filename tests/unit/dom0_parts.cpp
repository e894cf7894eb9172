// dom0's small readers: the command line, the line editor, bzImage, ACPI.
#include <dom0/consoles/keys.hpp>
#include <dom0/shell/line.hpp>
#include <dom0/shell/words.hpp>
#include <dom0/toolstack/acpi.hpp>
#include <dom0/toolstack/bzimage.hpp>

#include <cstring>
#include <gtest/gtest.h>
#include <unit/mutate.hpp>

using namespace dom0;

namespace {

TEST(Words, QuotesCommentsAndOptions) {
    auto words = split_words("create d1 kernel=vmlinuz cmdline=\"console=hvc0 quiet\" # and so on");
    ASSERT_TRUE(words);
    ASSERT_EQ(words->size(), 4u);
    EXPECT_EQ(option(*words, "cmdline"), "console=hvc0 quiet");
    EXPECT_EQ(option(*words, "kernel"), "vmlinuz");
    EXPECT_FALSE(option(*words, "ker"));
    EXPECT_FALSE(split_words("say \"no end"));
    EXPECT_EQ(split_words("  ")->size(), 0u);
}

TEST(Words, NumbersAreDecimalAndFit) {
    EXPECT_EQ(parse_number("4294967295"), 4294967295u);
    for (const char* bad : {"", "4294967296", "-1", "1x", "99999999999999999999999"})
        EXPECT_FALSE(parse_number(bad)) << bad;
}

std::string type(LineEditor& editor, std::string_view keys, std::string& echo) {
    std::string line;
    for (char key : keys)
        if (auto finished = editor.key(key, echo)) line = *finished;
    return line;
}

std::string press(Keys& keys, std::initializer_list<int> codes) {
    std::string typed;
    for (int code : codes)
        typed += keys.take(u8(code));
    return typed;
}

TEST(Keys, TypeWhatAnUsKeyboardTypes) {
    Keys keys;
    EXPECT_EQ(press(keys, {0x26, 0xa6, 0x17, 0x97, 0x1f, 0x14, 0x39, 0x0c, 0x2b, 0x1c}),
              "list -\\\r");
    // Both shifts; caps lock, which is letters' alone, and which shift undoes
    EXPECT_EQ(press(keys, {0x2a, 0x1e, 0x28, 0xaa, 0x1e, 0x36, 0x02, 0xb6, 0x02}), "A\"a!1");
    EXPECT_EQ(press(keys, {0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0xaa, 0x3a, 0xba, 0x1e}), "A1aa");
    // Either Ctrl
    EXPECT_EQ(press(keys, {0x1d, 0x1b, 0x9d, 0xe0, 0x1d, 0x2e, 0xe0, 0x9d, 0x2e}), "\x1d\x03" "c");
}

TEST(Keys, SendSequencesAndIgnoreTheRest) {
    Keys keys;
    EXPECT_EQ(press(keys, {0xe0, 0x48, 0xe0, 0xc8, 0x0e, 0x01}), "\x1b[A\x7f\x1b");
    // What a controller puts around the arrows while shift is down is no second shift
    EXPECT_EQ(press(keys, {0x2a, 0xe0, 0xaa, 0x1e, 0xaa, 0xe0, 0x2a, 0x1e}), "Aa");
    // An acknowledgement, F1, Alt, the left and right system keys
    EXPECT_EQ(press(keys, {0xfa, 0x3b, 0xbb, 0x38, 0xb8, 0xe0, 0x5b, 0xe0, 0x5c}), "");
}

TEST(Keys, AnyBytesLeaveThemWhole) {
    Keys keys;
    for (int i = 0; i < 0x10000; i++)
        press(keys, {i * 7919 >> 3, i});
    SUCCEED();
}

TEST(LineEditor, EditsAndRemembers) {
    LineEditor editor;
    std::string echo;
    EXPECT_EQ(type(editor, "lisr\bt\r\n", echo), "list");
    EXPECT_EQ(echo, "lisr\b \bt\r\n");
    EXPECT_EQ(type(editor, "help\n", echo), "help");
    EXPECT_EQ(type(editor, "\x1b[A\x1b[A\n", echo), "list");
    EXPECT_EQ(type(editor, "sto\x1b[12;8Rre /\n", echo), "store /");
    EXPECT_EQ(type(editor, "nonsense\x15pause d1\n", echo), "pause d1");
    EXPECT_EQ(type(editor, "half\x03", echo), "");
    EXPECT_EQ(type(editor, "\x7f\x7f\n", echo), "");
    type(editor, std::string(5000, 'a'), echo);
    EXPECT_EQ(editor.text().size(), 1024u);
}

std::vector<u8> sample_bzimage(std::string_view payload) {
    std::vector<u8> image(512 * 2 + payload.size());
    auto put = [&](size_t at, u32 value) { memcpy(&image[at], &value, 4); };
    image[0x1f1] = 1;
    put(0x202, 0x53726448);
    image[0x206] = 0x0f;
    image[0x207] = 0x02;
    put(0x248, 0);
    put(0x24c, u32(payload.size()));
    memcpy(&image[1024], payload.data(), payload.size());
    return image;
}

TEST(BzImage, FindsThePayload) {
    auto image = sample_bzimage({"\x02\x21\x4c\x18 data \x10\x00\x00\x00", 14});
    auto payload = find_payload(image);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->packing, Packing::lz4);
    EXPECT_EQ(payload->unpacked_size, 16u);
    EXPECT_EQ(payload->packed.size(), 10u);
    EXPECT_EQ(name_of(find_payload(sample_bzimage("whatever"))->packing), "unknown");
}

TEST(BzImage, RefusesWhatDoesNotFit) {
    auto image = sample_bzimage({"\xfd\x37zXZ and more", 14});
    EXPECT_FALSE(find_payload(std::span{image}.first(image.size() - 1)));
    EXPECT_FALSE(find_payload(std::span{image}.first(0x24f)));
    image[0x207] = 1;
    EXPECT_FALSE(find_payload(image));
}

u8 sum(std::span<const u8> bytes) {
    u8 total = 0;
    for (u8 byte : bytes)
        total = u8(total + byte);
    return total;
}

TEST(BzImage, StaysWithinDamagedFiles) {
    unsigned found = 0;
    auto good = sample_bzimage("\x1f\x8b and all that was packed");
    hv::test::mutate(good, 20'000, [&](const hv::test::Bytes& image) {
        auto payload = find_payload(image);
        if (!payload) return;
        sum(payload->packed);  // each byte is there to be read
        found++;
    });
    EXPECT_GT(found, 1'000u);
}

TEST(Acpi, EveryTableAddsUpToZero) {
    auto tables = make_acpi(2);
    auto at = [&](u64 address) {
        return std::span{tables.bytes}.subspan(address - acpi_base.value);
    };
    auto root = at(tables.root.value);
    EXPECT_EQ(memcmp(root.data(), "RSD PTR ", 8), 0);
    EXPECT_EQ(sum(root.first(20)), 0);
    EXPECT_EQ(sum(root.first(36)), 0);

    u64 xsdt;
    memcpy(&xsdt, &root[24], 8);
    auto length = [&](u64 address) {
        u32 value;
        memcpy(&value, &at(address)[4], 4);
        return value;
    };
    ASSERT_EQ(length(xsdt), 36u + 2 * 8);
    EXPECT_EQ(sum(at(xsdt).first(length(xsdt))), 0);
    for (int i = 0; i < 2; i++) {
        u64 table;
        memcpy(&table, &at(xsdt)[36 + size_t(i) * 8], 8);
        EXPECT_EQ(sum(at(table).first(length(table))), 0);
        EXPECT_EQ(length(table), i == 0 ? 268u : 44u + 2 * 8);
    }
}

}  // namespace

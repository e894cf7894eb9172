// The screen: letters in their cells, what scrolls, what a terminal's sequences do, and its edges.
#include <boot/glyphs.hpp>
#include <boot/screen.hpp>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

using namespace hv;

namespace {

constexpr u8 guard = 0x5a;

/// A frame buffer of 20 by 4 cells, with bytes at each line's end that are nobody's to write.
class Screens : public testing::TestWithParam<u8> {
protected:
    Screens() {
        buffer.bits = GetParam();
        buffer.pitch = buffer.width * buffer.bits / 8 + 24;
        pixels.assign(buffer.bytes() + 64, guard);
        screen.open(buffer, pixels.data());
    }

    u8 byte(u32 x, u32 y, u32 which = 0) const {
        return pixels[u64{y} * buffer.pitch + u64{x} * buffer.bits / 8 + which];
    }
    /// The letter whose glyph is in the cell; 0 when none is.
    char letter_at(u32 row, u32 column) const {
        for (u8 inverted : {u8{0}, u8{0xff}})
            for (char letter = ' '; letter <= '~'; ++letter)
                if (shows(row, column, letter, inverted))
                    return letter;
        return 0;
    }
    bool shows(u32 row, u32 column, char letter, u8 inverted) const {
        for (u32 y = 0; y < 16; ++y)
            for (u32 x = 0; x < 8; ++x)
                for (u32 which = 0; which < buffer.bits / 8u; ++which) {
                    const bool ink = (glyphs[letter - ' '][y] ^ inverted) << x & 0x80;
                    if (byte(column * 8 + x, row * 16 + y, which) != (ink ? 0xff : 0))
                        return false;
                }
        return true;
    }
    std::string line(u32 row) const {
        std::string text;
        for (u32 column = 0; column < 20; ++column)
            text += letter_at(row, column);
        return text.substr(0, text.find_last_not_of(' ') + 1);
    }

    FrameBuffer buffer{Mpa{0xfd000000}, 0, 160, 64, 32, 1};
    std::vector<u8> pixels;
    Screen screen;
};

INSTANTIATE_TEST_SUITE_P(Pixels, Screens, testing::Values(16, 24, 32));

TEST_P(Screens, ShowLettersAndACursor) {
    screen.write("I run. {pqj}\nYou?");
    EXPECT_EQ(line(0), "I run. {pqj}");
    EXPECT_EQ(line(1), "You?");
    EXPECT_TRUE(shows(1, 4, ' ', 0xff));
    EXPECT_TRUE(shows(1, 5, ' ', 0));
}

TEST_P(Screens, GoUpBeneathTheLastLine) {
    screen.write("one\ntwo\nthree\nfour\nfive");
    EXPECT_EQ(line(0), "two");
    EXPECT_EQ(line(2), "four");
    EXPECT_EQ(line(3), "five");
}

TEST_P(Screens, GoOnBelowWhereALineIsFull) {
    screen.write("12345678901234567890");
    EXPECT_EQ(line(1), "");
    screen.write("\rab");
    EXPECT_EQ(line(0), "ab345678901234567890");
    screen.write("345678901234567890x");
    EXPECT_EQ(line(1), "x");
}

TEST_P(Screens, ObeyTheConsolesOwnSequences) {
    screen.write("dom0> cre\r\x1b[KI made room.\ndom0> creatx\b \be");
    EXPECT_EQ(line(0), "I made room.");
    EXPECT_EQ(line(1), "dom0> create");
    screen.write("\na\tb");
    EXPECT_EQ(line(2), "a       b");
}

TEST_P(Screens, SwallowWhatTheyDoNotKnow) {
    screen.write("\x1b[1;31mred\x1b[0m\x1b[6n \x1b(Bok\a\x7f\xc3\xa9.");
    EXPECT_EQ(line(0), "red ok.");
}

TEST_P(Screens, NeverWriteBesideTheirPixels) {
    std::mt19937 random{1};
    for (unsigned i = 0; i < 4'000; ++i)
        screen.write(std::string(1, static_cast<char>(random() % 8 ? random() : '\x1b')));
    for (u32 y = 0; y < buffer.height; ++y)
        for (u32 x = 0; x < buffer.width; ++x)
            ASSERT_TRUE(byte(x, y) == 0 || byte(x, y) == 0xff);
    for (size_t at = buffer.bytes(); at < pixels.size(); ++at)
        EXPECT_EQ(pixels[at], guard);
}

TEST(FrameBuffers, AreUsedOnlyWhereTheyMakeSense) {
    const FrameBuffer good{Mpa{0xfd000000}, 4096, 1024, 768, 32, 1};
    EXPECT_TRUE(good.usable());
    EXPECT_FALSE(FrameBuffer{}.usable());
    const auto spoilt = [&](auto spoil) {
        FrameBuffer bad = good;
        spoil(bad);
        return bad.usable();
    };
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.kind = 0; }));     // a palette
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.kind = 2; }));     // the VGA's text
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.bits = 8; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.bits = 15; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.pitch = 4095; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.width = 7; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.height = 15; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.start = Mpa{~0ull - 4096}; }));
    EXPECT_FALSE(spoilt([](FrameBuffer& b) { b.pitch = b.height = ~0u; }));
}

}  // namespace

// The console: whole lines beside a guest's half-said one, and the ring behind dmesg.
#include <boot/hosted/twin.hpp>
#include <gtest/gtest.h>

using namespace hv;

namespace {

class Consoles : public testing::Test {
protected:
    Consoles() { hear(&line); }
    ~Consoles() override { hear(nullptr); }

    std::string line;
    Console console;
};

TEST_F(Consoles, AHalfSaidLineStepsAsideAndIsSaidAgain) {
    console.write_guest("done\ndom0> cre");
    console.write("I made room.\n");
    console.write_guest("ate\n");
    EXPECT_EQ(line, "done\ndom0> cre\r\x1b[KI made room.\ndom0> create\n");
}

TEST_F(Consoles, ASentenceInPiecesIsNotBrokenByTheHalfSaidLine) {
    console.write_guest("dom0> ");
    console.write("I have ");
    console.write("two pCPUs.\n");
    EXPECT_EQ(line, "dom0> \r\x1b[KI have two pCPUs.\ndom0> ");
}

TEST_F(Consoles, BetweenWholeLinesNothingIsSaidTwice) {
    console.write_guest("one\n");
    console.write("two\n");
    console.write_guest("three\n");
    EXPECT_EQ(line, "one\ntwo\nthree\n");
}

TEST_F(Consoles, TheRingKeepsTheHypervisorsWordsOnly) {
    console.write_guest("dom0> ");
    console.write("I run.\n");
    char kept[64];
    const size_t length = console.copy_ring(0, kept, sizeof kept);
    EXPECT_EQ(std::string_view(kept, length), "I run.\n");
}

}  // namespace

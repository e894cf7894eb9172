// The command line: each option, wrong words named and ignored, help that lists them all.
#include <boot/handover.hpp>
#include <gtest/gtest.h>
#include <string>

namespace hv {
namespace {

class Said final : public Sink {
public:
    void write(std::string_view more) override { text += more; }
    std::string text;
};

struct Reading {
    explicit Reading(std::string_view line) { read_options(options, line, said); }
    bool says(std::string_view part) const { return said.text.find(part) != said.text.npos; }
    BootOptions options;
    Said said;
};

TEST(BootOptions, EmptyLinesChangeNothing) {
    for (const char* line : {"", "   ", "\t\n"}) {
        const Reading reading{line};
        EXPECT_EQ(reading.options.cpus, 8u);
        EXPECT_EQ(reading.said.text, "");
    }
}

TEST(BootOptions, EachIsTaken) {
    const Reading reading{" dom0_mem=128  cpus=2 help\tpanic=1 "};
    EXPECT_EQ(reading.options.dom0_mebibytes, 128u);
    EXPECT_EQ(reading.options.cpus, 2u);
    EXPECT_TRUE(reading.options.help);
    EXPECT_EQ(reading.options.panic_cpu, 1u);
    EXPECT_EQ(reading.said.text, "");
    EXPECT_EQ(Reading{"panic"}.options.panic_cpu, 0u);
}

TEST(BootOptions, AnUnknownWordIsNamedAndIgnored) {
    const Reading reading{"quiet cpus=3"};
    EXPECT_TRUE(reading.says("\"quiet\""));
    EXPECT_EQ(reading.options.cpus, 3u);
}

TEST(BootOptions, AWrongValueIsNamedWithWhatIsRight) {
    for (const char* word : {"cpus=0", "cpus=9", "cpus=", "cpus", "cpus=two", "cpus=1x",
                             "cpus=99999999999999999999999", "dom0_mem=15", "dom0_mem=3073",
                             "help=1", "panic=8", "=", "cpus=-1"}) {
        const Reading reading{word};
        EXPECT_TRUE(reading.says(word)) << word;
        EXPECT_EQ(reading.options.cpus, 8u) << word;
        EXPECT_EQ(reading.options.dom0_mebibytes, BootOptions{}.dom0_mebibytes) << word;
        EXPECT_FALSE(reading.options.help) << word;
    }
    EXPECT_TRUE(Reading{"cpus=9"}.says("1 to 8"));
}

TEST(BootOptions, HelpListsThemAll) {
    Said said;
    list_options(said);
    for (const char* name : {"help", "dom0_mem=MiB", "cpus=N", "panic[=N]"})
        EXPECT_NE(said.text.find(name), said.text.npos) << name;
}

}  // namespace
}  // namespace hv

// The boot module's reader: good archives, and every way in which one can be damaged.
#include <domains/archive.hpp>
#include <gtest/gtest.h>
#include <unit/mutate.hpp>

using namespace hv;
using hv::test::Bytes;

namespace {

/// Adds one file to a newc archive.
void add(Bytes& archive, std::string name, std::string content) {
    char header[111];
    snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
             1, 0100644, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
    archive.insert(archive.end(), header, header + 110);
    archive.insert(archive.end(), name.c_str(), name.c_str() + name.size() + 1);
    archive.resize(align_up(archive.size(), 4));
    archive.insert(archive.end(), content.begin(), content.end());
    archive.resize(align_up(archive.size(), 4));
}

Bytes household() {
    Bytes archive;
    add(archive, "dom0", "the first child");
    add(archive, "hello", "");
    add(archive, "rc", "create hello\n");
    add(archive, "TRAILER!!!", "");
    return archive;
}

std::string text(const ArchiveFile& file) { return {file.bytes.begin(), file.bytes.end()}; }

TEST(Archive, GivesEachFileInTurn) {
    const Bytes bytes = household();
    Archive archive{bytes};
    const char* why = nullptr;
    std::vector<std::string> found;
    auto file = archive.next(&why);
    for (; file.ok(); file = archive.next(&why))
        found.push_back(std::string{file->name} + "=" + text(*file));
    EXPECT_EQ(file.error().code, XEN_ENOENT);
    const std::vector<std::string> all{"dom0=the first child", "hello=", "rc=create hello\n"};
    EXPECT_EQ(found, all);
    EXPECT_EQ(archive.next(&why).error().code, XEN_ENOENT) << "the end stays the end";
    EXPECT_TRUE(archive.check(&why).ok());
}

TEST(Archive, FindsByName) {
    const Bytes bytes = household();
    const Archive archive{bytes};
    const char* why = nullptr;
    EXPECT_EQ(text(*archive.find("rc", &why)), "create hello\n");
    EXPECT_EQ(archive.find("initrd", &why).error().code, XEN_ENOENT);
    EXPECT_STREQ(why, "there is no such file in the archive");
    EXPECT_EQ(archive.find("do", &why).error().code, XEN_ENOENT);
    EXPECT_EQ(archive.find("TRAILER!!!", &why).error().code, XEN_ENOENT);
}

TEST(Archive, RefusesWhatIsDamagedWithAReason) {
    const auto refuse = [](Bytes bytes, std::string_view part) {
        const char* why = "";
        EXPECT_EQ(Archive{bytes}.check(&why).error().code, XEN_EINVAL);
        EXPECT_NE(std::string_view{why}.find(part), std::string_view::npos) << why;
    };
    refuse({}, "cut short");
    Bytes cut = household();
    cut.resize(cut.size() - 124);
    refuse(cut, "cut short");
    Bytes other = household();
    other[5] = '2';
    refuse(other, "no cpio header");
    Bytes letters = household();
    letters[6 + 6 * 8] = 'g';
    refuse(letters, "not a hexadecimal number");
    Bytes long_name = household();
    long_name[6 + 11 * 8] = 'F';
    refuse(long_name, "a name in the archive");
    Bytes unnamed = household();
    unnamed[6 + 12 * 8 - 1] = '0';
    refuse(unnamed, "a name in the archive");
    Bytes long_file = household();
    long_file[6 + 6 * 8] = 'F';
    refuse(long_file, "beyond the archive's end");
}

TEST(Archive, StaysWithinDamagedBytes) {
    test::mutate(household(), 20'000, [](const Bytes& bytes) {
        Archive archive{bytes};
        const char* why = nullptr;
        auto file = archive.next(&why);
        for (size_t count = 0; file.ok(); file = archive.next(&why)) {
            ASSERT_LT(++count, 16u) << "the walk does not end";
            ASSERT_TRUE(file->bytes.empty() || (file->bytes.data() >= bytes.data() &&
                                                file->bytes.data() + file->bytes.size() <=
                                                    bytes.data() + bytes.size()));
        }
        ASSERT_NE(why, nullptr);
        ASSERT_EQ(std::string_view{why}.find('\n'), std::string_view::npos);
    });
}

}  // namespace

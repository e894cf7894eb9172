// The kernel loader: each odd shape that is valid, each that is not, and damage to all of them.
#include <cstring>
#include <domains/elf.hpp>
#include <elf.h>
#include <gtest/gtest.h>
#include <unit/mutate.hpp>
#include <xen/elfnote.h>

using namespace hv;
using hv::test::Bytes;

namespace {

template <class T>
void append(Bytes& bytes, const T& value) {
    bytes.resize(bytes.size() + sizeof value);
    memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
}

/// One note, padded. A value of 4 or 8 bytes.
Bytes note(const std::string& owner, u32 type, u64 value, u32 value_size) {
    Bytes bytes;
    append(bytes, Elf64_Nhdr{static_cast<u32>(owner.size() + 1), value_size, type});
    bytes.insert(bytes.end(), owner.c_str(), owner.c_str() + owner.size() + 1);
    bytes.resize(align_up(bytes.size(), 4));
    append(bytes, value);
    bytes.resize(bytes.size() - 8 + value_size);
    return bytes;
}
Bytes xen_note(u64 entry, u32 size = 8) {
    return note("Xen", XEN_ELFNOTE_PHYS32_ENTRY, entry, size);
}

struct Part {
    u32 type;
    u64 address;
    Bytes bytes;
    u64 memory_size;
};

/// Builds images: parts become program headers, notes in sections become section headers.
template <class Header, class Segment, class Section>
struct Builder {
    std::vector<Part> parts;
    std::vector<Bytes> section_notes;
    u16 machine = EM_X86_64, type = ET_EXEC;

    Bytes build() const {
        Header header{};
        memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = sizeof(Header) == sizeof(Elf64_Ehdr) ? ELFCLASS64 : ELFCLASS32;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = type;
        header.e_machine = machine;
        header.e_phoff = sizeof(Header);
        header.e_phentsize = sizeof(Segment);
        header.e_phnum = static_cast<u16>(parts.size());
        header.e_shentsize = sizeof(Section);
        header.e_shnum = static_cast<u16>(section_notes.size());

        Bytes contents;
        const size_t contents_at = sizeof(Header) + parts.size() * sizeof(Segment);
        std::vector<Segment> segments;
        for (const Part& part : parts) {
            Segment segment{};
            segment.p_type = part.type;
            const size_t offset = contents_at + contents.size();
            segment.p_offset = static_cast<decltype(segment.p_offset)>(offset);
            segment.p_paddr = static_cast<decltype(segment.p_paddr)>(part.address);
            segment.p_filesz = static_cast<decltype(segment.p_filesz)>(part.bytes.size());
            segment.p_memsz = static_cast<decltype(segment.p_memsz)>(part.memory_size);
            segments.push_back(segment);
            contents.insert(contents.end(), part.bytes.begin(), part.bytes.end());
        }
        std::vector<Section> sections;
        for (const Bytes& bytes : section_notes) {
            Section section{};
            section.sh_type = SHT_NOTE;
            const size_t offset = contents_at + contents.size();
            section.sh_offset = static_cast<decltype(section.sh_offset)>(offset);
            section.sh_size = static_cast<decltype(section.sh_size)>(bytes.size());
            sections.push_back(section);
            contents.insert(contents.end(), bytes.begin(), bytes.end());
        }
        header.e_shoff = static_cast<decltype(header.e_shoff)>(contents_at + contents.size());

        Bytes file;
        append(file, header);
        for (const Segment& segment : segments)
            append(file, segment);
        file.insert(file.end(), contents.begin(), contents.end());
        for (const Section& section : sections)
            append(file, section);
        return file;
    }
};
using Elf64 = Builder<Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr>;
using Elf32 = Builder<Elf32_Ehdr, Elf32_Phdr, Elf32_Shdr>;

const Part code{PT_LOAD, 0x100000, Bytes(64, 0x90), 0x3000};

ElfImage accept(const Bytes& file) {
    const char* why = nullptr;
    const auto image = parse_elf(file, &why);
    EXPECT_TRUE(image.ok()) << why;
    return image.value_or({});
}

void refuse(const Bytes& file, std::string_view part) {
    const char* why = "";
    const auto image = parse_elf(file, &why);
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.error().code, XEN_EINVAL);
    EXPECT_NE(std::string_view{why}.find(part), std::string_view::npos) << why;
}

Bytes plain() { return Elf64{{code, {PT_NOTE, 0, xen_note(0x100020), 0}}, {}}.build(); }

TEST(Elf, LoadsSixtyFourBits) {
    const ElfImage image = accept(plain());
    EXPECT_EQ(image.entry, 0x100020u);
    EXPECT_TRUE(image.is_64);
    ASSERT_EQ(image.segments().size(), 1u);
    EXPECT_EQ(image.segments()[0].address, 0x100000u);
    EXPECT_EQ(image.segments()[0].offset, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr));
    EXPECT_EQ(image.segments()[0].file_bytes, 64u);
    EXPECT_EQ(image.segments()[0].memory_bytes, 0x3000u);
    EXPECT_EQ(image.lowest, 0x100000u);
    EXPECT_EQ(image.highest, 0x103000u);
}

TEST(Elf, LoadsThirtyTwoBitsOfEitherMachine) {
    for (u16 machine : {EM_386, EM_X86_64}) {
        Elf32 builder{{code, {PT_NOTE, 0, xen_note(0x100000, 4), 0}}, {}};
        builder.machine = machine;
        const ElfImage image = accept(builder.build());
        EXPECT_FALSE(image.is_64);
        EXPECT_EQ(image.entry, 0x100000u);
    }
}

TEST(Elf, FindsTheNoteAmongSeveral) {
    Bytes many = note("GNU", 3, 0x1234, 8);
    for (const Bytes& more : {note("Xen", XEN_ELFNOTE_ENTRY, 0x77, 8), xen_note(0x100010)})
        many.insert(many.end(), more.begin(), more.end());
    const Elf64 builder{{{PT_INTERP, 0, Bytes{'/', 0}, 0},
                         {PT_NOTE, 0, note("GNU", XEN_ELFNOTE_PHYS32_ENTRY, 0x55, 8), 0},
                         code,
                         {PT_TLS, 0x200000, {}, 64},
                         {PT_NOTE, 0, many, 0}},
                        {}};
    EXPECT_EQ(accept(builder.build()).entry, 0x100010u);
}

TEST(Elf, FindsTheNoteInASectionAlone) {
    const Elf64 builder{{code}, {note("GNU", 3, 1, 4), xen_note(0x100008)}};
    EXPECT_EQ(accept(builder.build()).entry, 0x100008u);
}

TEST(Elf, LoadsAtAddressZero) {
    Part low = code;
    low.address = 0;
    const ElfImage image = accept(Elf64{{low, {PT_NOTE, 0, xen_note(0), 0}}, {}}.build());
    EXPECT_EQ(image.entry, 0u);
    EXPECT_EQ(image.lowest, 0u);
    EXPECT_EQ(image.highest, 0x3000u);
}

TEST(Elf, KeepsSegmentsApart) {
    const Elf64 builder{{{PT_LOAD, 0x400000, Bytes(8, 1), 8},
                         {PT_LOAD, 0, {}, 0},
                         {PT_LOAD, 0x200000, Bytes(8, 2), 0x1000},
                         {PT_LOAD, 0x300000, {}, 0x1000},
                         {PT_NOTE, 0, xen_note(0x400007), 0}},
                        {}};
    const ElfImage image = accept(builder.build());
    EXPECT_EQ(image.segments().size(), 3u) << "what takes no memory is not loaded";
    EXPECT_EQ(image.lowest, 0x200000u);
    EXPECT_EQ(image.highest, 0x400008u);
}

TEST(Elf, RefusesAllElseWithAReason) {
    refuse({}, "not an ELF image");
    refuse(Bytes(100, 'x'), "not an ELF image");
    Bytes file = plain();
    file.resize(40);
    refuse(file, "too short");
    file = plain();
    file[EI_CLASS] = 3;
    refuse(file, "neither");
    file = plain();
    file[EI_DATA] = ELFDATA2MSB;
    refuse(file, "big-endian");

    const Part entry{PT_NOTE, 0, xen_note(0x100000), 0};
    Elf64 builder{{code, entry}, {}};
    builder.machine = EM_AARCH64;
    refuse(builder.build(), "another machine");
    builder.machine = EM_386;
    refuse(builder.build(), "another machine");
    builder = {{code, entry}, {}};
    builder.type = ET_REL;
    refuse(builder.build(), "not a linked program");
    refuse(Elf64{{entry}, {}}.build(), "nothing to load");
    refuse(Elf64{{code}, {}}.build(), "no PVH entry");
    refuse(Elf64{{code, {PT_NOTE, 0, xen_note(0x200000), 0}}, {}}.build(), "outside of every");
    refuse(Elf64{{code, {PT_NOTE, 0, xen_note(0x1'0010'0000), 0}}, {}}.build(), "outside of every");
    refuse(Elf64{{{PT_LOAD, 0, Bytes(8), 4}, entry}, {}}.build(), "more bytes than");
    refuse(Elf64{{{PT_LOAD, 0xffff'f000, Bytes(8), 0x1001}, entry}, {}}.build(), "above 4 GiB");
    refuse(Elf64{{{PT_LOAD, ~0xfffull, Bytes(8), 0x2000}, entry}, {}}.build(), "above 4 GiB");
    refuse(Elf64{{std::vector<Part>(33, code)}, {}}.build(), "more than 32");
}

TEST(Elf, RefusesWhatWasCutShort) {
    const Bytes whole = plain();
    for (size_t size = 0; size < whole.size(); ++size) {
        Bytes cut{whole.begin(), whole.begin() + static_cast<long>(size)};
        cut.shrink_to_fit();
        refuse(cut, "");
    }
}

TEST(Elf, StaysWithinDamagedFiles) {
    const Part entry{PT_NOTE, 0, xen_note(0x100000), 0};
    const Bytes shapes[] = {plain(), Elf32{{code, entry}, {}}.build(),
                            Elf64{{code}, {note("GNU", 3, 1, 4), xen_note(0x100008)}}.build()};
    for (const Bytes& shape : shapes)
        test::mutate(shape, 20'000, [](const Bytes& file) {
            const char* why = "";
            const auto image = parse_elf(file, &why);
            if (!image.ok()) {
                ASSERT_NE(why, nullptr);
                ASSERT_GT(std::string_view{why}.size(), 10u);
                return;
            }
            ASSERT_LT(image->entry, image->highest);
            for (const ElfSegment& segment : image->segments()) {
                ASSERT_TRUE(fits(segment.offset, segment.file_bytes, file.size()));
                ASSERT_LE(segment.file_bytes, segment.memory_bytes);
                ASSERT_TRUE(fits(segment.address, segment.memory_bytes, 4 * GiB));
            }
        });
}

}  // namespace

// The decoder: encodings made by an assembler, and bytes that are no instruction at all.
#include <gtest/gtest.h>
#include <unit/disassemble.hpp>
#include <unit/mutate.hpp>

using namespace hv;
using namespace hv::x86;
using hv::test::Bytes;
using hv::test::disassemble;

namespace {

constexpr CodeSize all_sizes[] = {CodeSize::bits16, CodeSize::bits32, CodeSize::bits64};

struct Encoding {
    CodeSize code_size;
    Bytes bytes;
    const char* text;
};

void PrintTo(const Encoding& encoding, std::ostream* out) { *out << encoding.text; }

constexpr CodeSize b16 = CodeSize::bits16, b32 = CodeSize::bits32, b64 = CodeSize::bits64;

const Encoding encodings[] = {
    // Control registers
    {b64, {0x0f, 0x20, 0xc0}, "mov rax, cr0"},
    {b64, {0x44, 0x0f, 0x20, 0xc1}, "mov rcx, cr8"},
    {b64, {0x41, 0x0f, 0x22, 0xdf}, "mov cr3, r15"},
    {b64, {0x66, 0x0f, 0x22, 0xe4}, "mov cr4, rsp"},
    {b32, {0x0f, 0x20, 0xd0}, "mov eax, cr2"},
    {b16, {0x0f, 0x22, 0xc0}, "mov cr0, eax"},
    {b16, {0x0f, 0x22, 0x07}, "mov cr0, edi"},  // ModRM.mod is not looked at

    // Loads and stores
    {b64, {0x8b, 0x07}, "mov eax, dword"},
    {b64, {0x48, 0x8b, 0x07}, "mov rax, qword"},
    {b64, {0x66, 0x8b, 0x07}, "mov ax, word"},
    {b64, {0x66, 0x48, 0x8b, 0x07}, "mov rax, qword"},
    {b64, {0x48, 0x66, 0x8b, 0x07}, "mov ax, word"},  // a REX that comes too early
    {b64, {0x8a, 0x27}, "mov ah, byte"},
    {b64, {0x40, 0x8a, 0x27}, "mov spl, byte"},
    {b64, {0x44, 0x88, 0x37}, "mov byte, r14b"},
    {b64, {0x45, 0x89, 0x4c, 0x83, 0xf0}, "mov dword, r9d"},
    {b64, {0x89, 0x04, 0x25, 0xb0, 0x00, 0xe0, 0xfe}, "mov dword, eax"},
    {b64, {0x89, 0x05, 0x10, 0x00, 0x00, 0x00}, "mov dword, eax"},
    {b64, {0x67, 0x89, 0x05, 0xf0, 0xff, 0xff, 0xff}, "mov dword, eax"},
    {b64, {0x67, 0x8b, 0x00}, "mov eax, dword"},
    {b64, {0x8b, 0x04, 0x24}, "mov eax, dword"},
    {b64, {0x8b, 0x45, 0x08}, "mov eax, dword"},
    {b64, {0x41, 0x8b, 0x45, 0x08}, "mov eax, dword"},
    {b64, {0x43, 0x8b, 0x04, 0x24}, "mov eax, dword"},
    {b64, {0x65, 0x8b, 0x45, 0x08}, "mov eax, dword"},
    {b64, {0x26, 0x8b, 0x45, 0x08}, "mov eax, dword"},  // ES says nothing here
    {b64, {0x8b, 0x04, 0xed, 0x00, 0x10, 0, 0}, "mov eax, dword"},
    {b64, {0xc7, 0x00, 0x78, 0x56, 0x34, 0x12}, "mov dword, 0x12345678"},
    {b64, {0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff}, "mov qword, 0xffffffffffffffff"},
    {b64, {0x66, 0xc7, 0x40, 0x7f, 0x34, 0x12}, "mov word, 0x1234"},
    {b64, {0xc6, 0x80, 0, 1, 0, 0, 0x99}, "mov byte, 0x99"},
    {b64, {0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, "mov eax, dword"},
    {b64, {0x48, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8}, "mov qword, rax"},
    {b32, {0xa0, 1, 2, 3, 0xf4}, "mov al, byte"},
    {b16, {0xa3, 0xb0, 0xfe}, "mov word, ax"},
    {b32, {0x8b, 0x15, 0x20, 0x00, 0xe0, 0xfe}, "mov edx, dword"},
    {b32, {0x2e, 0x8b, 0x44, 0x9c, 0x01}, "mov eax, dword"},
    {b32, {0x67, 0x8b, 0x42, 0x80}, "mov eax, dword"},
    {b16, {0x8b, 0x40, 0x10}, "mov ax, word"},
    {b16, {0x66, 0x8b, 0x86, 0x34, 0x12}, "mov eax, dword"},
    {b16, {0x8b, 0x1e, 0x34, 0x12}, "mov bx, word"},
    {b16, {0x67, 0x66, 0x89, 0x0c, 0x24}, "mov dword, ecx"},

    // Comparisons
    {b64, {0x39, 0x07}, "cmp dword, eax"},
    {b64, {0x4c, 0x3b, 0x0f}, "cmp r9, qword"},
    {b64, {0x38, 0x27}, "cmp byte, ah"},
    {b32, {0x3a, 0x0f}, "cmp cl, byte"},
    {b64, {0x80, 0x3f, 0x80}, "cmp byte, 0x80"},
    {b64, {0x83, 0x3f, 0xff}, "cmp dword, 0xffffffff"},
    {b64, {0x48, 0x83, 0x7f, 0x08, 0x01}, "cmp qword, 0x1"},
    {b64, {0x66, 0x81, 0x3f, 0x34, 0x12}, "cmp word, 0x1234"},

    // With zeros or the sign
    {b64, {0x0f, 0xb6, 0x07}, "movzx eax, byte"},
    {b64, {0x4c, 0x0f, 0xb7, 0x07}, "movzx r8, word"},
    {b64, {0x66, 0x0f, 0xbe, 0x07}, "movsx ax, byte"},
    {b64, {0x48, 0x0f, 0xbf, 0x07}, "movsx rax, word"},
    {b64, {0x48, 0x63, 0x07}, "movsx rax, dword"},
    {b16, {0x0f, 0xb6, 0x07}, "movzx ax, byte"},

    // Strings
    {b64, {0xaa}, "stos byte, al"},
    {b64, {0xf3, 0x48, 0xab}, "rep stos qword, rax"},
    {b32, {0xf3, 0x67, 0x66, 0xab}, "rep stos word, ax"},
    {b64, {0xa4}, "movs byte ds"},
    {b64, {0x64, 0xf3, 0xa5}, "rep movs dword fs"},
    {b32, {0x2e, 0xf2, 0xa5}, "rep movs dword cs"},
};

class Encodings : public testing::TestWithParam<Encoding> {};

TEST_P(Encodings, AreReadAsTheyWereWritten) {
    const auto found = decode(GetParam().bytes, GetParam().code_size);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(disassemble(*found), GetParam().text);
    EXPECT_EQ(found->length, GetParam().bytes.size());
}

TEST_P(Encodings, NeedEveryOneOfTheirBytes) {
    for (size_t size = 0; size < GetParam().bytes.size(); ++size) {
        Bytes cut{GetParam().bytes.begin(), GetParam().bytes.begin() + static_cast<long>(size)};
        cut.shrink_to_fit();
        const auto found = decode(cut, GetParam().code_size);
        ASSERT_FALSE(found.ok()) << size << " bytes";
        EXPECT_EQ(found.error().code, XEN_EINVAL) << size << " bytes";
    }
}

TEST_P(Encodings, CareForNothingThatFollows) {
    Bytes longer = GetParam().bytes;
    longer.insert(longer.end(), {0xf0, 0x0f, 0x66});
    const auto found = decode(longer, GetParam().code_size);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(disassemble(*found), GetParam().text);
    EXPECT_EQ(found->length, GetParam().bytes.size());
}

INSTANTIATE_TEST_SUITE_P(All, Encodings, testing::ValuesIn(encodings));

TEST(Decode, RefusesEverythingElse) {
    const Bytes others[] = {
        {0x8b, 0xc1},              // mov eax, ecx: no memory in it
        {0x0f, 0xb6, 0xc1},        // movzx eax, cl
        {0xf0, 0x89, 0x07},        // lock mov
        {0xf0, 0x0f, 0x20, 0xc0},  // lock mov from CR0: CR8 on AMD
        {0x0f, 0x20, 0xc8},        // CR1
        {0x0f, 0x20, 0xe8},        // CR5
        {0xc7, 0x08, 1, 2, 3, 4},  // not /0
        {0x83, 0x07, 1},           // add: not /7
        {0x39, 0xc1},              // cmp ecx, eax
        {0x90},                    // nop
        {0xee},                    // out: a port's exit has told it all
        {0x0f, 0xa2},              // cpuid
        {0x0f, 0x01, 0x38},        // invlpg
        {0x0f, 0x0b},              // ud2
        {0x0f, 0x38, 0xf1, 0x07},  // movbe
        {0x01, 0x07},              // add
        {0xc5, 0xf8, 0x28, 0x07},  // vmovaps
    };
    for (const Bytes& bytes : others)
        for (CodeSize size : all_sizes)
            EXPECT_EQ(decode(bytes, size).error().code, XEN_EOPNOTSUPP) << +bytes[0];
    EXPECT_FALSE(decode(Bytes{0x63, 0x07}, b32).ok()) << "ARPL there";
}

TEST(Decode, StopsAfterFifteenBytes) {
    Bytes bytes(13, 0x66);
    bytes.insert(bytes.end(), {0x88, 0x07});
    EXPECT_EQ(decode(bytes, b64)->length, 15);
    bytes.insert(bytes.begin(), 0x2e);
    EXPECT_EQ(decode(bytes, b64).error().code, XEN_EINVAL);
    EXPECT_EQ(decode(Bytes(64, 0x66), b64).error().code, XEN_EINVAL);
}

/// Whatever it accepts, it accepts again from exactly those bytes, and within its own bounds.
void expect_sound(const Bytes& bytes, CodeSize size) {
    const auto found = decode(bytes, size);
    if (!found.ok())
        return;
    ASSERT_GE(found->length, 1);
    ASSERT_LE(found->length, std::min<size_t>(bytes.size(), 15));
    Bytes exact{bytes.begin(), bytes.begin() + found->length};
    exact.shrink_to_fit();
    const auto again = decode(exact, size);
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(again->length, found->length);
    ASSERT_EQ(disassemble(*again), disassemble(*found));
    ASSERT_LT(found->gpr, 16);
    ASSERT_TRUE(!found->high_byte || found->gpr < 4);
    exact.pop_back();
    ASSERT_EQ(decode(exact, size).error().code, XEN_EINVAL) << "one byte fewer";
}

TEST(Decode, AgreesWithItselfOnAnyBytes) {
    std::mt19937 random{2};
    for (int n = 0; n < 200'000; ++n) {
        Bytes bytes(random() % 17);
        std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<u8>(random()); });
        expect_sound(bytes, all_sizes[n % 3]);
    }
}

TEST(Decode, AgreesWithItselfOnDamagedInstructions) {
    for (const Encoding& encoding : encodings)
        for (CodeSize size : all_sizes)
            test::mutate(encoding.bytes, 200,
                         [&](const Bytes& bytes) { expect_sound(bytes, size); });
}

}  // namespace

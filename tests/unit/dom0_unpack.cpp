// dom0's unpackers: each undoes what its library packed, and none leaves its bounds.
#include <dom0/toolstack/unpack.hpp>

#include <cstring>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lzma.h>
#include <unit/mutate.hpp>
#include <zlib.h>
#include <zstd.h>

namespace {

using dom0::Packing;
using hv::u8;
using Block = hv::test::Bytes;

/// Text that packs well, and is longer than what any packer keeps as it is.
Block plain() {
    Block text;
    for (unsigned n = 0; n < 2'000; n++)
        for (char letter : std::to_string(n * n))
            text.push_back(u8(letter));
    return text;
}

Block gzip(const Block& from) {
    constexpr int gzip_header = 15 + 16, memory = 8;
    Block packed(from.size() + 100);
    z_stream stream = {};
    deflateInit2(&stream, 9, Z_DEFLATED, gzip_header, memory, Z_DEFAULT_STRATEGY);
    stream.next_in = const_cast<u8*>(from.data());
    stream.avail_in = uInt(from.size());
    stream.next_out = packed.data();
    stream.avail_out = uInt(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

Block xz(const Block& from) {
    Block packed(from.size() + 100);
    size_t made = 0;
    EXPECT_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, nullptr, from.data(), from.size(),
                                      packed.data(), &made, packed.size()),
              LZMA_OK);
    packed.resize(made);
    return packed;
}

Block lzma(const Block& from) {
    Block packed(from.size() + 100);
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 0);
    lzma_stream stream = LZMA_STREAM_INIT;
    EXPECT_EQ(lzma_alone_encoder(&stream, &options), LZMA_OK);
    stream.next_in = from.data();
    stream.avail_in = from.size();
    stream.next_out = packed.data();
    stream.avail_out = packed.size();
    EXPECT_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
    packed.resize(stream.total_out);
    lzma_end(&stream);
    return packed;
}

Block zstd(const Block& from) {
    Block packed(ZSTD_compressBound(from.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), from.data(), from.size(), 3));
    return packed;
}

/// The legacy frame: its magic, and one chunk with its size.
Block lz4(const Block& from) {
    Block packed = {0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0};
    Block chunk(size_t(LZ4_compressBound(int(from.size()))));
    const int size = LZ4_compress_default(reinterpret_cast<const char*>(from.data()),
                                          reinterpret_cast<char*>(chunk.data()), int(from.size()),
                                          int(chunk.size()));
    std::memcpy(&packed[4], &size, 4);
    packed.insert(packed.end(), chunk.begin(), chunk.begin() + size);
    return packed;
}

struct Packer {
    Packing packing;
    Block (*pack)(const Block&);
};

class Unpack : public testing::TestWithParam<Packer> {
protected:
    const Block text = plain();
    const Block packed = GetParam().pack(text);
};

TEST_P(Unpack, GivesBackWhatWasPacked) {
    auto bytes = dom0::unpack({packed, text.size(), GetParam().packing});
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(std::ranges::equal(bytes->view(), text));
}

TEST_P(Unpack, RefusesAnotherSizeThanWasClaimed) {
    EXPECT_FALSE(dom0::unpack({packed, text.size() - 1, GetParam().packing}));
    EXPECT_FALSE(dom0::unpack({packed, text.size() + 1, GetParam().packing}));
    EXPECT_FALSE(dom0::unpack({packed, 0, GetParam().packing}));
}

TEST_P(Unpack, StaysWithinDamagedBytes) {
    unsigned refused = 0;
    hv::test::mutate(packed, 2'000, [&](const Block& damaged) {
        auto bytes = dom0::unpack({damaged, text.size(), GetParam().packing});
        refused += !bytes;
        EXPECT_TRUE(!bytes || bytes->size == text.size());
    });
    EXPECT_GT(refused, 500u);
}

INSTANTIATE_TEST_SUITE_P(, Unpack,
                         testing::Values(Packer{Packing::gzip, gzip}, Packer{Packing::xz, xz},
                                         Packer{Packing::lzma, lzma}, Packer{Packing::zstd, zstd},
                                         Packer{Packing::lz4, lz4}),
                         [](const auto& packer) {
                             return std::string{dom0::name_of(packer.param.packing)};
                         });

}  // namespace

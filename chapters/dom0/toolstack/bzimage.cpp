// A bzImage: finding the payload from the setup header.
#include "bzimage.hpp"

#include <string.h>

namespace dom0 {
namespace {

template <class T> T field(std::span<const u8> bytes, size_t at) {
    T value;
    memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

struct Magic {
    Packing packing;
    std::string_view bytes;
};

constexpr Magic magics[] = {
    {Packing::gzip, {"\x1f\x8b", 2}},
    {Packing::xz, {"\xfd\x37zXZ", 5}},
    {Packing::lz4, {"\x02\x21\x4c\x18", 4}},
    {Packing::zstd, {"\x28\xb5\x2f\xfd", 4}},
    {Packing::bzip2, {"BZh", 3}},
    {Packing::lzma, {"\x5d\x00\x00", 3}},
    {Packing::lzo, {"\x89LZO", 4}},
    {Packing::none,
     {"\x7f"
      "ELF",
      4}},
};

Packing packing_of(std::span<const u8> packed) {
    std::string_view text{reinterpret_cast<const char*>(packed.data()), packed.size()};
    for (auto& magic : magics)
        if (text.starts_with(magic.bytes)) return magic.packing;
    return Packing::unknown;
}

}  // namespace

std::optional<Payload> find_payload(std::span<const u8> image) {
    constexpr size_t setup_sectors_at = 0x1f1, magic_at = 0x202, version_at = 0x206;
    constexpr size_t payload_offset_at = 0x248, payload_length_at = 0x24c, header_end = 0x250;
    constexpr u32 header_magic = 0x53726448; // "HdrS"
    if (image.size() < header_end || field<u32>(image, magic_at) != header_magic) return {};
    if (field<u16>(image, version_at) < 0x208) return {};

    // The protected-mode part follows the boot sector and the setup sectors; 0 of them means 4.
    u64 sectors = image[setup_sectors_at] == 0 ? 4 : image[setup_sectors_at];
    u64 start = (sectors + 1) * 512 + field<u32>(image, payload_offset_at);
    u64 length = field<u32>(image, payload_length_at);
    if (length < 8 || !fits(start, length, image.size())) return {};

    auto payload = image.subspan(start, length);
    Packing packing = packing_of(payload);
    if (packing == Packing::none) return Payload{payload, length, packing};

    // The build appends the unpacked size, four bytes; gzip's own trailer ends in the same.
    auto packed = packing == Packing::gzip ? payload : payload.first(length - 4);
    return Payload{packed, field<u32>(payload, length - 4), packing};
}

std::string_view name_of(Packing packing) {
    switch (packing) {
    case Packing::none: return "plain";
    case Packing::gzip: return "gzip";
    case Packing::xz: return "xz";
    case Packing::lz4: return "lz4";
    case Packing::zstd: return "zstd";
    case Packing::bzip2: return "bzip2";
    case Packing::lzma: return "lzma";
    case Packing::lzo: return "lzo";
    case Packing::unknown: break;
    }
    return "unknown";
}

}  // namespace dom0

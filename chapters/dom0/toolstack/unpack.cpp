// Unpacking kernels: gzip, xz, lzma, zstd, and lz4 in its legacy framing, which Linux's build uses.
#include "unpack.hpp"

#include <lz4.h>
#include <lzma.h>
#include <new>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

namespace dom0 {
namespace {

/// After the magic: chunks of a 32-bit size and a block that unpacks to at most 8 MiB.
Result<size_t> unpack_lz4(std::span<const u8> packed, std::span<u8> into) {
    size_t at = 4, made = 0;
    while (fits(at, 4, packed.size())) {
        u32 size;
        memcpy(&size, packed.data() + at, 4);
        at += 4;
        if (size == 0 || size > LZ4_MAX_INPUT_SIZE || !fits(at, size, packed.size())) break;
        size_t room = into.size() - made < 8 * MiB ? into.size() - made : 8 * MiB;
        int got =
            LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data() + at),
                                reinterpret_cast<char*>(into.data() + made), int(size), int(room));
        if (got < 0) return Error{Errno::XEN_EINVAL};
        made += size_t(got);
        at += size;
    }
    return made;
}

/// xz, and lzma as it was before: the library tells them apart by their first bytes.
Result<size_t> unpack_xz(std::span<const u8> packed, std::span<u8> into) {
    constexpr u64 memory_limit = 192 * MiB;
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_auto_decoder(&stream, memory_limit, 0) != LZMA_OK) return Error{Errno::XEN_ENOMEM};
    stream.next_in = packed.data();
    stream.avail_in = packed.size();
    stream.next_out = into.data();
    stream.avail_out = into.size();
    auto status = lzma_code(&stream, LZMA_FINISH);
    lzma_end(&stream);
    if (status == LZMA_MEM_ERROR || status == LZMA_MEMLIMIT_ERROR) return Error{Errno::XEN_ENOMEM};
    if (status != LZMA_STREAM_END) return Error{Errno::XEN_EINVAL};
    return stream.total_out;
}

Result<size_t> unpack_zstd(std::span<const u8> packed, std::span<u8> into) {
    size_t made = ZSTD_decompress(into.data(), into.size(), packed.data(), packed.size());
    if (ZSTD_isError(made)) return Error{Errno::XEN_EINVAL};
    return made;
}

Result<size_t> unpack_gzip(std::span<const u8> packed, std::span<u8> into) {
    constexpr int largest_window_with_gzip_header = 15 + 16;
    z_stream stream = {};
    stream.next_in = const_cast<u8*>(packed.data());
    stream.avail_in = uInt(packed.size());
    stream.next_out = into.data();
    stream.avail_out = uInt(into.size());
    if (inflateInit2(&stream, largest_window_with_gzip_header) != Z_OK)
        return Error{Errno::XEN_ENOMEM};
    int status = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (status != Z_STREAM_END) return Error{Errno::XEN_EINVAL};
    return stream.total_out;
}

Result<size_t> unpack_into(const Payload& payload, std::span<u8> into) {
    switch (payload.packing) {
    case Packing::lz4: return unpack_lz4(payload.packed, into);
    case Packing::xz:
    case Packing::lzma: return unpack_xz(payload.packed, into);
    case Packing::zstd: return unpack_zstd(payload.packed, into);
    case Packing::gzip: return unpack_gzip(payload.packed, into);
    case Packing::none: memcpy(into.data(), payload.packed.data(), into.size()); return into.size();
    default: return Error{Errno::XEN_EOPNOTSUPP};
    }
}

}  // namespace

Result<Bytes> unpack(const Payload& payload) {
    auto* memory = new (std::nothrow) u8[payload.unpacked_size];
    if (memory == nullptr) return Error{Errno::XEN_ENOMEM};
    Bytes bytes{std::unique_ptr<u8[]>{memory}, payload.unpacked_size};
    auto made = unpack_into(payload, {memory, bytes.size});
    if (!made) return made.error();
    // lz4 keeps no checksum: its length is all that tells of damage
    if (*made != bytes.size) return Error{Errno::XEN_EINVAL};
    return bytes;
}

std::string why_not(Packing packing, Errno code) {
    std::string packed = "its kernel, packed by " + std::string{name_of(packing)} + ", ";
    switch (code) {
    case Errno::XEN_EOPNOTSUPP: return packed + "cannot be unpacked; gzip xz lzma lz4 zstd can";
    case Errno::XEN_ENOMEM: return packed + "claims more memory than dom0 has";
    default: return packed + "is damaged";
    }
}

}  // namespace dom0

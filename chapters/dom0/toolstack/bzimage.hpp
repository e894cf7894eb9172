// A bzImage: Linux's own wrapping around a compressed ELF kernel. The PVH note is in the inner one.
#pragma once

#include <kit/types.hpp>
#include <optional>

namespace dom0 {

using namespace kit;

/// How the payload of a bzImage is packed, told by its first bytes.
enum class Packing : u8 { none, gzip, xz, lz4, zstd, bzip2, lzma, lzo, unknown };

struct Payload {
    std::span<const u8> packed;
    u64 unpacked_size; // as the image claims: not to be trusted beyond being a bound
    Packing packing;
};

/// The compressed kernel inside `image`, or nothing when it is not a bzImage of protocol 2.08 or
/// later (Linux, "The Linux/x86 Boot Protocol").
std::optional<Payload> find_payload(std::span<const u8> image);

std::string_view name_of(Packing packing);

}  // namespace dom0

// The boot module: one `newc` header is six magic digits, then thirteen fields of eight hex digits.
#include "cpio.hpp"

namespace dom0 {
namespace {

constexpr size_t header_size = 110;
constexpr std::string_view magic = "070701";
constexpr std::string_view trailer = "TRAILER!!!";

enum Field { file_size = 6, name_size = 11 };

std::optional<u64> field(std::string_view header, Field which) {
    u64 value = 0;
    for (char digit : header.substr(6 + 8 * size_t(which), 8)) {
        u64 nibble;
        if (digit >= '0' && digit <= '9') nibble = u64(digit - '0');
        else if (digit >= 'a' && digit <= 'f') nibble = u64(digit - 'a') + 10;
        else if (digit >= 'A' && digit <= 'F') nibble = u64(digit - 'A') + 10;
        else return {};
        value = value << 4 | nibble;
    }
    return value;
}

}  // namespace

std::optional<File> Archive::next() {
    if (complete_ || !fits(at_, header_size, bytes_.size())) return {};
    auto* letters = reinterpret_cast<const char*>(bytes_.data());
    std::string_view header{letters + at_, header_size};
    auto bytes = field(header, file_size);
    auto name_bytes = field(header, name_size);
    if (!header.starts_with(magic) || !bytes || !name_bytes || *name_bytes == 0) return {};

    // Names and contents are each padded to four bytes.
    u64 name_at = at_ + header_size;
    if (!fits(name_at, *name_bytes, bytes_.size())) return {};
    u64 data_at = align_up(name_at + *name_bytes, 4);
    if (!fits(data_at, *bytes, bytes_.size())) return {};

    std::string_view name{letters + name_at, *name_bytes - 1};
    at_ = align_up(data_at + *bytes, 4);
    complete_ = name == trailer;
    if (complete_) return {};
    return File{name, bytes_.subspan(data_at, *bytes)};
}

std::optional<File> Archive::find(std::string_view name) {
    rewind();
    while (auto file = next())
        if (file->name == name) return file;
    return {};
}

}  // namespace dom0

// Framing: COBS after Cheshire and Baker, and the checksum of iSCSI (RFC 3720, "CRC32C").
#include "frames.hpp"

#include <array>
#include <utility>

namespace dom0 {
namespace {

constexpr size_t checksum_size = 4;
constexpr size_t longest_run = 254; // bytes that one COBS code may announce

constexpr std::array<u32, 256> make_table() {
    constexpr u32 reflected_polynomial = 0x82f63b78;
    std::array<u32, 256> table{};
    for (u32 byte = 0; byte < table.size(); byte++) {
        u32 rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ (rest & 1 ? reflected_polynomial : 0);
        table[byte] = rest;
    }
    return table;
}

constexpr auto crc_table = make_table();

/// A frame's second byte is the body's first, its version: no letter that anyone types.
constexpr char last_version = 7;

}  // namespace

u32 crc32c(std::string_view bytes, u32 before) {
    u32 rest = ~before;
    for (char byte : bytes)
        rest = rest >> 8 ^ crc_table[u8(rest ^ u8(byte))];
    return ~rest;
}

std::string stuff(std::string_view bytes) {
    std::string stuffed;
    stuffed.reserve(bytes.size() + bytes.size() / longest_run + 1);
    for (;;) {
        // Each run is announced by its length + 1; one that is not full stands for a zero after it
        std::string_view run = bytes.substr(0, std::min(bytes.find('\0'), longest_run));
        stuffed.push_back(char(run.size() + 1));
        stuffed += run;
        if (run.size() == bytes.size()) return stuffed;
        bytes.remove_prefix(run.size() + (run.size() < longest_run ? 1 : 0));
    }
}

std::optional<std::string> unstuff(std::string_view stuffed) {
    std::string bytes;
    bytes.reserve(stuffed.size());
    while (!stuffed.empty()) {
        const size_t run = u8(stuffed[0]);
        if (run == 0 || run > stuffed.size()) return {};
        bytes += stuffed.substr(1, run - 1);
        stuffed.remove_prefix(run);
        if (run <= longest_run && !stuffed.empty()) bytes.push_back('\0');
    }
    return bytes;
}

std::string frame(std::string_view body) {
    std::string checked{body};
    for (size_t i = 0; i < checksum_size; i++)
        checked.push_back(char(crc32c(body) >> 8 * i));
    return '\0' + stuff(checked) + '\0';
}

std::optional<std::string> Splitter::take(char byte, std::string& text) {
    if (byte == '\0') return std::exchange(inside_, true) ? finish() : std::nullopt;
    if (!inside_) {
        text.push_back(byte);
        return {};
    }
    overrun_ |= part_.size() >= longest_ + longest_ / longest_run + checksum_size + 1;
    if (!overrun_) part_.push_back(byte);
    if (part_.size() == 2 && u8(byte) > last_version) {
        text += part_;
        part_.clear();
        inside_ = false;
    }
    return {};
}

void Splitter::abandon() {
    if (!part_.empty()) damaged_++;
    part_.clear();
    inside_ = overrun_ = false;
}

/// A zero has come, in a place where a frame may end.
std::optional<std::string> Splitter::finish() {
    const std::string part = std::exchange(part_, {});
    if (part.empty()) return {};
    auto bytes = unstuff(part);
    const bool whole = !std::exchange(overrun_, false) && bytes && bytes->size() > checksum_size;
    if (whole) {
        const size_t size = bytes->size() - checksum_size;
        u32 sum = 0;
        for (size_t i = 0; i < checksum_size; i++)
            sum |= u32{u8((*bytes)[size + i])} << 8 * i;
        bytes->resize(size);
        if (sum == crc32c(*bytes)) {
            inside_ = false;
            return bytes;
        }
    }
    // Damaged; or it was text, and this zero begins the frame
    damaged_++;
    return {};
}

}  // namespace dom0

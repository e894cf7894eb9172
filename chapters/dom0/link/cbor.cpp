// CBOR: each item begins with a byte of its major type and a short number, or that number's size.
#include "cbor.hpp"

namespace dom0 {
namespace {

enum Major : u8 { unsigned_number, negative_number, byte_string, text_string, array, map, tag,
                  simple };
enum Simple : u8 { simple_false = 20, simple_true = 21, simple_null = 22 };

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_{bytes} {}

    bool read(Value& value, int depth);
    bool at_end() const { return rest_.empty(); }

private:
    bool read_number(u8 size, u64& number);
    bool read_string(Value& value);
    bool read_items(Value& value, u64 count, int depth);

    static constexpr int deepest = 4;
    std::string_view rest_;
};

bool Reader::read(Value& value, int depth) {
    if (rest_.empty() || depth > deepest) return false;
    const u8 first = u8(rest_[0]);
    rest_.remove_prefix(1);
    if (!read_number(first & 0x1f, value.number)) return false;
    switch (first >> 5) {
    case unsigned_number: value.kind = Value::Kind::number; return true;
    case negative_number: value.kind = Value::Kind::negative; return true;
    case byte_string: value.kind = Value::Kind::bytes; return read_string(value);
    case text_string: value.kind = Value::Kind::text; return read_string(value);
    case array: value.kind = Value::Kind::array; return read_items(value, value.number, depth);
    case map:
        value.kind = Value::Kind::map;
        return value.number <= rest_.size() && read_items(value, value.number * 2, depth);
    case simple:
        value.kind = value.number == simple_null ? Value::Kind::null : Value::Kind::boolean;
        if ((first & 0x1f) < simple_false || (first & 0x1f) > simple_null) return false;
        value.number = value.number == simple_true;
        return true;
    default: return false;
    }
}

/// `size` is the number itself, or says that it follows in 1, 2, 4 or 8 bytes.
bool Reader::read_number(u8 size, u64& number) {
    constexpr u8 one_byte = 24, eight_bytes = 27;
    number = size;
    if (size < one_byte) return true;
    const size_t bytes = size_t{1} << (size - one_byte);
    if (size > eight_bytes || rest_.size() < bytes) return false;
    number = 0;
    for (char byte : rest_.substr(0, bytes))
        number = number << 8 | u8(byte);
    rest_.remove_prefix(bytes);
    return true;
}

bool Reader::read_string(Value& value) {
    if (value.number > rest_.size()) return false;
    value.text = rest_.substr(0, value.number);
    rest_.remove_prefix(value.number);
    return true;
}

bool Reader::read_items(Value& value, u64 count, int depth) {
    // Each takes a byte at least: nobody makes us keep room for more than came
    if (count > rest_.size()) return false;
    value.items.resize(count);
    for (Value& item : value.items)
        if (!read(item, depth + 1)) return false;
    return true;
}

}  // namespace

const Value* Value::find(std::string_view name) const {
    if (kind != Kind::map) return nullptr;
    for (size_t i = 0; i < items.size(); i += 2)
        if (items[i].kind == Kind::text && items[i].text == name) return &items[i + 1];
    return nullptr;
}

std::optional<Value> read_cbor(std::string_view bytes) {
    Reader reader{bytes};
    Value value;
    if (!reader.read(value, 0) || !reader.at_end()) return {};
    return value;
}

CborWriter& CborWriter::byte(u8 value) {
    into_.push_back(char(value));
    return *this;
}

CborWriter& CborWriter::head(u8 major, u64 value) {
    const u8 kind = u8(major << 5);
    if (value < 24) return byte(kind | u8(value));
    const int power = value < 0x100 ? 0 : value < 0x10000 ? 1 : value < 0x100000000 ? 2 : 3;
    byte(kind | u8(24 + power));
    for (int shift = 8 << power; shift > 0; shift -= 8)
        byte(u8(value >> (shift - 8)));
    return *this;
}

CborWriter& CborWriter::string(u8 major, std::string_view value) {
    head(major, value.size());
    into_ += value;
    return *this;
}

}  // namespace dom0

// CBOR (RFC 8949), as much of it as the link speaks: whole numbers, bytes, text, arrays, maps,
// true, false and null. Debian has libcbor without a static library, and tinycbor not at all.
#pragma once

#include <kit/types.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dom0 {

using namespace kit;

/// One item that was read. Texts and bytes are views into what it was read from.
struct Value {
    enum class Kind : u8 { number, negative, bytes, text, array, map, boolean, null };

    Kind kind = Kind::null;
    u64 number = 0;           // of a negative n: -1 - n; of a boolean: 0 or 1
    std::string_view text;    // bytes too
    std::vector<Value> items; // of a map: name, value, name, value …

    /// The value that a map gives to `name`, or null.
    const Value* find(std::string_view name) const;
};

/// Reads the one item that `bytes` are. Nothing, when they are not exactly that: cut short, too
/// deep, with something behind it, or of a kind that the link does not speak.
std::optional<Value> read_cbor(std::string_view bytes);

/// Writes items one after another. A map's are a name and a value by turns; arrays and maps are
/// ended by close().
class CborWriter {
public:
    explicit CborWriter(std::string& into) : into_{into} {}

    CborWriter& number(u64 value) { return head(0, value); }
    CborWriter& bytes(std::string_view value) { return string(2, value); }
    /// Text is UTF-8; whoever is not sure of it writes bytes.
    CborWriter& text(std::string_view value) { return string(3, value); }
    CborWriter& boolean(bool value) { return byte(value ? 0xf5 : 0xf4); }
    CborWriter& null() { return byte(0xf6); }
    CborWriter& open_array() { return byte(0x9f); }
    CborWriter& open_map() { return byte(0xbf); }
    CborWriter& close() { return byte(0xff); }

private:
    CborWriter& byte(u8 value);
    CborWriter& head(u8 major, u64 value);
    CborWriter& string(u8 major, std::string_view value);

    std::string& into_;
};

}  // namespace dom0

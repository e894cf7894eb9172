// Printing: a format string with {} or {:x}, and a place for the text to go.
#pragma once

#include <base/types.hpp>
#include <concepts>
#include <span>
#include <string_view>

namespace hv {

/// Where text goes: the serial line, a buffer, a test.
class Sink {
public:
    virtual void write(std::string_view text) = 0;

protected:
    ~Sink() = default;
};

/// One argument of print(), with its type folded into three cases.
struct Argument {
    enum class Kind : u8 { number, negative, text } kind = Kind::number;
    u64 number = 0;
    std::string_view text{};

    constexpr Argument() = default;
    constexpr Argument(std::unsigned_integral auto value) : number{value} {}
    constexpr Argument(std::signed_integral auto value)
        : kind{value < 0 ? Kind::negative : Kind::number},
          number{value < 0 ? 0 - static_cast<u64>(value) : static_cast<u64>(value)} {}
    constexpr Argument(bool value) : kind{Kind::text}, text{value ? "yes" : "no"} {}
    constexpr Argument(const char* value) : kind{Kind::text}, text{value ? value : "(none)"} {}
    constexpr Argument(std::string_view value) : kind{Kind::text}, text{value} {}
    Argument(const void* value) : number{reinterpret_cast<u64>(value)} {}
    template <class Tag>
    constexpr Argument(Strong<Tag> value) : number{value.value} {}
};

/// Writes `format` to `sink`, each {} replaced by the next argument, and {name} by the one that
/// `names` calls so. `{:x}` is hexadecimal with its 0x, `{:16}` pads to 16 columns (text to the
/// left, numbers to the right), `{:016x}` pads with zeros and leaves 0x out. Missing arguments
/// print as {?}.
void print_to(Sink& sink, std::string_view format, std::span<const Argument> arguments,
              std::span<const std::string_view> names = {});

template <class... Arguments>
void print(Sink& sink, std::string_view format, const Arguments&... arguments) {
    const Argument list[] = {Argument{arguments}..., Argument{}};
    print_to(sink, format, std::span{list, sizeof...(arguments)});
}

/// A sink that keeps the first `size` bytes of what is written into it, always terminated.
template <size_t size>
class TextBuffer final : public Sink {
public:
    void write(std::string_view text) override {
        for (char letter : text)
            if (length_ < size)
                text_[length_++] = letter;
    }
    std::string_view view() const { return {text_, length_}; }
    void clear() { length_ = 0; }

private:
    char text_[size] = {};
    size_t length_ = 0;
};

}  // namespace hv

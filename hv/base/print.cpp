// Printing: how a format string and its arguments become text.
#include <algorithm>
#include <base/print.hpp>

namespace hv {
namespace {

/// What stands after the colon: {:016x} is zero = true, width = 16, hex = true.
struct Specification {
    bool hex = false;
    bool zero = false;
    size_t width = 0;
};

Specification parse_specification(std::string_view text) {
    Specification specification;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == 'x')
            specification.hex = true;
        else if (text[i] == '0' && specification.width == 0)
            specification.zero = true;
        else if (text[i] >= '0' && text[i] <= '9')
            specification.width = specification.width * 10 + static_cast<size_t>(text[i] - '0');
    }
    return specification;
}

void pad(Sink& sink, size_t from, size_t to, char with) {
    for (; from < to; ++from)
        sink.write({&with, 1});
}

void print_number(Sink& sink, const Argument& argument, const Specification& how) {
    char digits[24];
    size_t start = sizeof digits;
    u64 rest = argument.number;
    const u64 base = how.hex ? 16 : 10;
    do {
        digits[--start] = "0123456789abcdef"[rest % base];
        rest /= base;
    } while (rest != 0);
    if (how.hex && !how.zero) {
        digits[--start] = 'x';
        digits[--start] = '0';
    }
    if (argument.kind == Argument::Kind::negative)
        digits[--start] = '-';
    pad(sink, sizeof digits - start, how.width, how.zero ? '0' : ' ');
    sink.write({digits + start, sizeof digits - start});
}

void print_argument(Sink& sink, const Argument& argument, const Specification& how) {
    if (argument.kind != Argument::Kind::text)
        return print_number(sink, argument, how);
    sink.write(argument.text);
    pad(sink, argument.text.size(), how.width, ' ');
}

}  // namespace

void print_to(Sink& sink, std::string_view format, std::span<const Argument> arguments,
              std::span<const std::string_view> names) {
    size_t next = 0;
    while (!format.empty()) {
        // Plain text up to the next brace goes through as it is
        const size_t open = format.find('{');
        const size_t close = open == format.npos ? format.npos : format.find('}', open);
        if (close == format.npos)
            return sink.write(format);
        if (open > 0)
            sink.write(format.substr(0, open));

        // {name:style}: without a name it is the next argument's turn
        const std::string_view inside = format.substr(open + 1, close - open - 1);
        const std::string_view name = inside.substr(0, inside.find(':'));
        const auto named = std::find(names.begin(), names.end(), name) - names.begin();
        const size_t index = name.empty() ? next++ : static_cast<size_t>(named);
        if (index < arguments.size())
            print_argument(sink, arguments[index], parse_specification(inside.substr(name.size())));
        else
            sink.write("{?}");
        format.remove_prefix(close + 1);
    }
}

}  // namespace hv

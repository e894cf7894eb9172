// Numbers in decimal.
#include "decimal.hpp"

#include <algorithm>

namespace kit {

std::string decimal(u64 number) {
    std::string text;
    do
        text.push_back(char('0' + number % 10));
    while ((number /= 10) > 0);
    std::reverse(text.begin(), text.end());
    return text;
}

std::optional<u32> parse_decimal(std::string_view text) {
    if (text.empty() || text.size() > 9) return {};
    u32 number = 0;
    for (char digit : text) {
        if (digit < '0' || digit > '9') return {};
        number = number * 10 + u32(digit - '0');
    }
    return number;
}

}  // namespace kit

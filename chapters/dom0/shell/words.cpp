// A command line, cut into words.
#include "words.hpp"

namespace dom0 {

std::optional<std::vector<std::string>> split_words(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false, started = false;
    for (char letter : line) {
        bool blank = letter == ' ' || letter == '\t' || letter == '\r';
        if (letter == '"') {
            quoted = !quoted;
            started = true;
        } else if (letter == '#' && !quoted && !started) {
            break;
        } else if (blank && !quoted) {
            if (started) words.push_back(word);
            word.clear();
            started = false;
        } else {
            word.push_back(letter);
            started = true;
        }
    }
    if (quoted) return {};
    if (started) words.push_back(word);
    return words;
}

std::optional<std::string_view> option(const std::vector<std::string>& words,
                                       std::string_view name) {
    for (std::string_view word : words)
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
            return word.substr(name.size() + 1);
    return {};
}

std::optional<u32> parse_number(std::string_view digits) {
    u64 value = 0;
    if (digits.empty()) return {};
    for (char digit : digits) {
        if (digit < '0' || digit > '9') return {};
        value = value * 10 + u64(digit - '0');
        if (value > 0xffffffff) return {};
    }
    return u32(value);
}

}  // namespace dom0

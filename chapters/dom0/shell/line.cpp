// The line being typed.
#include "line.hpp"

namespace dom0 {

std::optional<std::string> LineEditor::key(char byte, std::string& echo) {
    // An arrow key is ESC [ and a letter. A terminal's answer has numbers in between: ESC [ 5 ; 8 R
    if (escape_ == Escape::begun) {
        escape_ = byte == '[' ? Escape::bracket : Escape::none;
        return {};
    }
    if (escape_ == Escape::bracket) {
        if (byte < '@') return {};
        escape_ = Escape::none;
        if (byte == 'A') recall(-1, echo);
        if (byte == 'B') recall(+1, echo);
        return {};
    }

    // Some terminals end a line with both bytes: the second one finishes nothing.
    bool second_half = after_return_ && byte == '\n';
    after_return_ = byte == '\r';
    if (second_half) return {};

    constexpr char escape = 27, backspace = 8, rubout = 127, kill = 21, abandon = 3;
    switch (byte) {
    case escape: escape_ = Escape::begun; return {};
    case '\r':
    case '\n': echo += "\r\n"; return finish();
    case kill: replace("", echo); return {};
    case abandon:
        text_.clear();
        echo += "^C\r\n";
        return finish();
    case backspace:
    case rubout:
        if (!text_.empty()) {
            text_.pop_back();
            echo += "\b \b";
        }
        return {};
    default: break;
    }
    bool printable = u8(byte) >= ' ';
    if (printable && text_.size() < longest) {
        text_.push_back(byte);
        echo.push_back(byte);
    }
    return {};
}

void LineEditor::replace(std::string_view text, std::string& echo) {
    for (size_t i = 0; i < text_.size(); i++)
        echo += "\b \b";
    text_ = text;
    echo += text;
}

void LineEditor::recall(int direction, std::string& echo) {
    if (direction < 0 && place_ > 0)
        place_--;
    else if (direction > 0 && place_ < history_.size())
        place_++;
    else
        return;
    replace(place_ < history_.size() ? std::string_view{history_[place_]} : "", echo);
}

std::string LineEditor::finish() {
    std::string line;
    std::swap(line, text_);
    bool worth_keeping = !line.empty() && (history_.empty() || history_.back() != line);
    if (worth_keeping) history_.push_back(line);
    if (history_.size() > remembered) history_.erase(history_.begin());
    place_ = history_.size();
    return line;
}

}  // namespace dom0

// The line being typed: backspace, kill, and the lines before it. It knows no terminal: it returns
// what to echo.
#pragma once

#include <kit/types.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dom0 {

using namespace kit;

class LineEditor {
public:
    /// Takes one byte from the keyboard, appends to `echo` what the terminal should show, and
    /// returns the line when it is finished.
    std::optional<std::string> key(char byte, std::string& echo);

    const std::string& text() const { return text_; }

private:
    void replace(std::string_view text, std::string& echo);
    void recall(int direction, std::string& echo);
    std::string finish();

    static constexpr size_t longest = 1024, remembered = 50;
    std::string text_;
    std::vector<std::string> history_;
    size_t place_ = 0; // in history_; its size means the line being typed
    enum class Escape : u8 { none, begun, bracket } escape_ = Escape::none;
    bool after_return_ = false;
};

}  // namespace dom0

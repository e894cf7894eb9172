// The shell: the line, the prompt, and the open console.
#include "shell.hpp"

#include <kit/print.hpp>

namespace dom0 {
namespace {

constexpr char control_right_bracket = 0x1d;

void show(std::string_view text) { kit::console().write(text); }

}  // namespace

void Shell::start() {
    if (auto rc = steward_.files().find("rc")) {
        std::string_view rest{reinterpret_cast<const char*>(rc->bytes.data()), rc->bytes.size()};
        while (!rest.empty()) {
            auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
            if (line.empty() || line[0] == '#') continue;
            print("dom0> {}\n", line);
            run(line);
        }
    }
    prompt();
}

void Shell::prompt() {
    if (attached_ == 0) print("dom0> {}", std::string_view{line_.text()});
}

void Shell::key(char byte) {
    if (attached_ != 0) {
        Domain* domain = household_.find(attached_);
        if (byte != control_right_bracket && domain != nullptr) {
            (void)domain->console.type(byte);
            return;
        }
        attached_ = 0;
        show("\n");
        return prompt();
    }
    std::string echo;
    auto line = line_.key(byte, echo);
    show(echo);
    if (!line) return;
    run(*line);
    prompt();
}

void Shell::hear(std::string_view said) {
    if (attached_ != 0) show(said);
}

void Shell::tell(std::string_view news) {
    if (news.empty()) return;
    show(attached_ == 0 ? "\r\x1b[K" : "\n");
    show(news);
    if (attached_ != 0 && household_.find(attached_) == nullptr) follow();
    prompt();
}

void Shell::follow() {
    Domain* heir = household_.find(std::string_view{attached_name_});
    bool lives_on = heir != nullptr && !heir->gone;
    attached_ = lives_on ? heir->id() : 0;
    print("{}\n", lives_on ? "its console goes on here; Ctrl-] leaves" : "its console is closed");
}

void Shell::run(std::string_view line) {
    auto words = split_words(line);
    if (!words) return print("a quote is left open\n");
    if (words->empty()) return;
    for (auto& command : commands) {
        if (command.name != words->front()) continue;
        if (words->size() < command.needed)
            return print("usage: {} {}\n", command.name, command.arguments);
        return (this->*command.run)(*words);
    }
    print("no command '{}': help lists them\n", std::string_view{words->front()});
}

/// One line about what went wrong, or silence.
void Shell::report(const Result<>& done, const std::string& why) {
    if (!done) print("{}\n", std::string_view{why});
}

}  // namespace dom0

// The shell: the line, the prompt, and the open console.
#include "shell.hpp"

#include <kit/print.hpp>

namespace dom0 {
namespace {

constexpr char control_right_bracket = 0x1d;

void show(std::string_view text) { kit::console().write(text); }

}  // namespace

void Shell::start() {
    if (auto rc = module_.find("rc")) {
        std::string_view rest = rc->text();
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
    if (attached_ == nullptr) print("dom0> {}", std::string_view{line_.text()});
}

void Shell::key(char byte) {
    if (attached_ != nullptr) {
        if (byte != control_right_bracket) return attached_->console.type(byte);
        attached_ = nullptr;
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
    if (attached_ == nullptr) return;
    show(said);
    if (!attached_->gone) return;
    print("\nthe console of {} is closed\n", std::string_view{attached_->order.name});
    attached_ = nullptr;
    prompt();
}

void Shell::tell(std::string_view news) {
    if (news.empty()) return;
    if (attached_ == nullptr) show("\r\x1b[K");
    show(news);
    prompt();
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

Domain* Shell::living(std::string_view name) {
    Domain* domain = household_.find(name);
    if (domain != nullptr && !domain->gone) return domain;
    if (name == "0" || name == "Domain-0") print("dom0 does not do that to itself\n");
    else print("no domain '{}': list shows them\n", name);
    return nullptr;
}

}  // namespace dom0

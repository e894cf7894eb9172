// The shell: lines from a person or from the module's rc, and what each command does.
#pragma once

#include "../toolstack/steward.hpp"
#include "line.hpp"
#include "words.hpp"

namespace dom0 {

class Shell {
public:
    explicit Shell(Steward& steward)
        : steward_{steward}, household_{steward.household()} {}

    /// Runs the lines of the module's `rc`, if it has one, and shows the prompt.
    void start();

    /// One byte from the keyboard: for the line being typed, or for the guest that is attached.
    void key(char byte);

    /// The domain whose console is open here, or 0.
    u16 attached() const { return attached_; }

    /// Shows what the attached guest said.
    void hear(std::string_view said);

    /// Shows a line of news above the line being typed. The console of a guest that has ended is
    /// closed; that of one that has rebooted stays open.
    void tell(std::string_view news);

private:
    using Words = std::vector<std::string>;
    struct Command {
        std::string_view name, arguments, purpose;
        void (Shell::*run)(const Words& words);
        size_t needed; // words it takes at least, its own name included
    };
    static constexpr size_t command_count = 17;
    static const Command commands[command_count];

    void run(std::string_view line);
    void prompt();
    void follow();
    void report(const Result<>& done, const std::string& why);

    void help(const Words&);
    void list(const Words&);
    void create(const Words&);
    void console(const Words&);
    void pause(const Words&);
    void unpause(const Words&);
    void shutdown(const Words&);
    void reboot(const Words&);
    void destroy(const Words&);
    void dmesg(const Words&);
    void trace(const Words&);
    void narrate(const Words&);
    void info(const Words&);
    void files(const Words&);
    void store(const Words&);
    void poweroff(const Words&);
    void reset(const Words&);

    Steward& steward_;
    Household& household_;
    LineEditor line_;
    u16 attached_ = 0;
    std::string attached_name_;
};

}  // namespace dom0

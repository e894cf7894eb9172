// The command line: one table of options, and the reader that goes by it.
#include <algorithm>
#include <boot/handover.hpp>

namespace hv {
namespace {

/// One option: how it is written, what it does, which numbers it takes, and where they go. Where
/// none need be given, that means the least.
struct Option {
    std::string_view form;  ///< the name, then "=MiB", "=N", "[=N]" or nothing
    std::string_view what;
    u64 least, most;
    u64 BootOptions::*into;
};

constexpr Option table[] = {
    {"help", "list these options", 1, 1, &BootOptions::help},
    {"dom0_mem=MiB", "memory of the first domain, 16 to 3072 (default 96)", 16, 3072,
     &BootOptions::dom0_mebibytes},
    {"cpus=N", "how many pCPUs to bring up at most, 1 to 8 (default 8)", 1, 8, &BootOptions::cpus},
    {"trace=KiB", "each pCPU's ring of events, 4 to 16384 (default 256)", 4, 16384,
     &BootOptions::trace_kib},
    {"panic[=N]", "break pCPU N (default 0) on purpose, to see what a panic says", 0, 7,
     &BootOptions::panic_cpu},
};

/// The number that "=42" after an option's name means; XEN_EINVAL when it is none that it takes.
Result<u64> read_number(const Option& option, std::string_view text) {
    const size_t sign = option.form.find_first_of("[=");
    if (text.empty() && (sign == option.form.npos || option.form[sign] == '['))
        return option.least;
    if (text.size() < 2 || sign == option.form.npos)
        return Error{XEN_EINVAL};
    u64 number = 0;
    for (char letter : text.substr(1)) {
        if (letter < '0' || letter > '9' || number > option.most)
            return Error{XEN_EINVAL};
        number = number * 10 + static_cast<u64>(letter - '0');
    }
    if (number < option.least || number > option.most)
        return Error{XEN_EINVAL};
    return number;
}

void read_word(BootOptions& options, std::string_view word, Sink& sink) {
    const size_t end = std::min(word.find('='), word.size());
    const auto* option = std::find_if(std::begin(table), std::end(table), [&](const Option& one) {
        return one.form.substr(0, one.form.find_first_of("[=")) == word.substr(0, end);
    });
    if (option == std::end(table))
        return print(sink, "I know no option \"{}\" and ignore it; \"help\" lists those I know.\n",
                     word);
    if (const auto number = read_number(*option, word.substr(end)))
        options.*option->into = *number;
    else
        print(sink, "I cannot read the option \"{}\" and ignore it; it is {}: {}.\n", word,
              option->form, option->what);
}

}  // namespace

void read_options(BootOptions& options, std::string_view line, Sink& sink) {
    const std::string_view blanks = " \t\r\n";
    for (size_t at = 0; (at = line.find_first_not_of(blanks, at)) != line.npos;) {
        const std::string_view word = line.substr(at, line.find_first_of(blanks, at) - at);
        read_word(options, word, sink);
        at += word.size();
    }
}

void list_options(Sink& sink) {
    sink.write("The options I know:\n");
    for (const Option& option : table)
        print(sink, "  {:14}{}\n", option.form, option.what);
}

}  // namespace hv

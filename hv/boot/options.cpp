// The command line: one table of options, and the reader that goes by it.
#include <algorithm>
#include <boot/handover.hpp>

namespace hv {
namespace {

/// One option: how it is written, what it does, and which numbers it takes. Without one it is 0.
struct Option {
    std::string_view name;
    std::string_view value;  ///< "=MiB", "=N", "[=N]" or nothing
    std::string_view what;
    u64 least, most;
    void (*take)(BootOptions& options, u64 number);
};

constexpr Option table[] = {
    {"help", "", "list these options", 0, 0,
     [](BootOptions& options, u64) { options.help = true; }},
    {"dom0_mem", "=MiB", "memory of the first domain, 16 to 3072 (default 96)", 16, 3072,
     [](BootOptions& options, u64 number) { options.dom0_memory = number * MiB; }},
    {"cpus", "=N", "how many pCPUs to bring up at most, 1 to 8 (default 8)", 1, 8,
     [](BootOptions& options, u64 number) { options.cpus = static_cast<u16>(number); }},
    {"panic", "[=N]", "break pCPU N (default 0) on purpose, to see what a panic says", 0, 7,
     [](BootOptions& options, u64 number) {
         options.panic = true;
         options.panic_cpu = static_cast<u16>(number);
     }},
};

/// Reads the "=42" after an option's name into `number`; false when that is not what it takes.
bool read_number(const Option& option, std::string_view text, u64& number) {
    if (text.empty())
        return !option.value.starts_with('=');
    text.remove_prefix(1);
    if (option.value.empty() || text.empty())
        return false;
    for (char letter : text) {
        if (letter < '0' || letter > '9' || number > option.most)
            return false;
        number = number * 10 + static_cast<u64>(letter - '0');
    }
    return option.least <= number && number <= option.most;
}

void read_word(BootOptions& options, std::string_view word, Sink& sink) {
    const size_t end = std::min(word.find('='), word.size());
    const auto* option = std::find_if(std::begin(table), std::end(table), [&](const Option& one) {
        return one.name == word.substr(0, end);
    });
    u64 number = 0;
    if (option == std::end(table))
        print(sink, "I know no option \"{}\" and ignore it; \"help\" lists those I know.\n", word);
    else if (!read_number(*option, word.substr(end), number))
        print(sink, "I cannot read the option \"{}\" and ignore it; it is {}{}: {}.\n", word,
              option->name, option->value, option->what);
    else
        option->take(options, number);
}

}  // namespace

void read_options(BootOptions& options, std::string_view line, Sink& sink) {
    const std::string_view blanks = " \t\r\n";
    for (size_t start; (start = line.find_first_not_of(blanks)) != line.npos;) {
        line.remove_prefix(start);
        const std::string_view word = line.substr(0, line.find_first_of(blanks));
        read_word(options, word, sink);
        line.remove_prefix(word.size());
    }
}

void list_options(Sink& sink) {
    sink.write("The options I know:\n");
    for (const Option& option : table) {
        TextBuffer<24> form;
        print(form, "{}{}", option.name, option.value);
        print(sink, "  {:14}{}\n", form.view(), option.what);
    }
}

}  // namespace hv

// The command line: one table of options, and the reader that goes by it.
#include <boot/options.hpp>

namespace hv {
namespace {

/// Reads a decimal number; false when `text` is none or is above `limit`.
bool read_number(std::string_view text, u64 limit, u64& out) {
    if (text.empty())
        return false;
    u64 value = 0;
    for (char letter : text) {
        if (letter < '0' || letter > '9')
            return false;
        value = value * 10 + static_cast<u64>(letter - '0');
        if (value > limit)
            return false;
    }
    out = value;
    return true;
}

/// One option: how it is written, what it does, and how its value is taken (false: a wrong value).
struct Option {
    std::string_view name;
    std::string_view value;  ///< "=MiB", "=N", "[=N]" or nothing
    std::string_view what;
    bool (*take)(BootOptions& options, std::string_view value);

    constexpr bool needs_value() const { return value.starts_with('='); }
    constexpr bool takes_value() const { return !value.empty(); }
};

constexpr Option table[] = {
    {"help", "", "list these options", [](BootOptions& options, std::string_view) {
         options.help = true;
         return true;
     }},
    {"dom0_mem", "=MiB", "memory of the first domain, 16 to 3072 (default 96)",
     [](BootOptions& options, std::string_view value) {
         u64 mebibytes = 0;
         if (!read_number(value, 3072, mebibytes) || mebibytes < 16)
             return false;
         options.dom0_memory = mebibytes * MiB;
         return true;
     }},
    {"cpus", "=N", "how many pCPUs to bring up at most, 1 to 8 (default 8)",
     [](BootOptions& options, std::string_view value) {
         u64 number = 0;
         if (!read_number(value, 8, number) || number < 1)
             return false;
         options.cpus = static_cast<u16>(number);
         return true;
     }},
    {"panic", "[=N]", "break pCPU N (default 0) on purpose, to see what a panic says",
     [](BootOptions& options, std::string_view value) {
         u64 number = 0;
         if (!value.empty() && !read_number(value, 7, number))
             return false;
         options.panic = true;
         options.panic_cpu = static_cast<u16>(number);
         return true;
     }},
};

const Option* find_option(std::string_view name) {
    for (const Option& option : table)
        if (option.name == name)
            return &option;
    return nullptr;
}

void read_word(BootOptions& options, std::string_view word, Sink& sink) {
    const size_t equals = word.find('=');
    const bool valued = equals != word.npos;
    const Option* option = find_option(word.substr(0, equals));
    if (!option) {
        print(sink, "I know no option \"{}\" and ignore it; \"help\" lists those I know.\n", word);
        return;
    }
    const std::string_view value = valued ? word.substr(equals + 1) : std::string_view{};
    if ((valued && !option->takes_value()) || (!valued && option->needs_value()) ||
        !option->take(options, value))
        print(sink, "I cannot read the option \"{}\" and ignore it; it is {}{}: {}.\n", word,
              option->name, option->value, option->what);
}

}  // namespace

void read_options(BootOptions& options, std::string_view line, Sink& sink) {
    const std::string_view blanks = " \t\r\n";
    while (!line.empty()) {
        const size_t start = line.find_first_not_of(blanks);
        if (start == line.npos)
            return;
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

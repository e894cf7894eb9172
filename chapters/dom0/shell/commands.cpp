// The shell's commands.
#include "shell.hpp"

#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <algorithm>

namespace dom0 {
namespace {

/// The console, without zeros: the link's frames stand between those.
class Text final : public Sink {
public:
    void write(std::string_view text) override {
        std::string kept{text};
        std::erase(kept, '\0');
        kit::console().write(kept);
    }
};

}  // namespace

constinit const Shell::Command Shell::commands[command_count] = {
    {"help", "", "this list", &Shell::help, 1},
    {"list", "", "the domains: r running, b blocked, p paused, s shut down, c crashed, d dying",
     &Shell::list, 1},
    {"create", "NAME kernel=FILE [ramdisk=FILE]... [memory=MiB] [vcpus=N] [cmdline=\"...\"]",
     "build a domain from files of the boot module", &Shell::create, 3},
    {"console", "NAME", "talk to a domain; Ctrl-] comes back", &Shell::console, 2},
    {"pause", "NAME", "park its vCPUs between two instructions", &Shell::pause, 2},
    {"unpause", "NAME", "let them go on", &Shell::unpause, 2},
    {"shutdown", "NAME", "ask it to power off", &Shell::shutdown, 2},
    {"reboot", "NAME", "ask it to start anew", &Shell::reboot, 2},
    {"destroy", "NAME", "end it, asked or not", &Shell::destroy, 2},
    {"dmesg", "", "the hypervisor's own log", &Shell::dmesg, 1},
    {"trace", "on WORD... | off", "what to note, besides births and deaths: a chapter's name, or "
     "hypercalls, exits, turns, bells, promises", &Shell::trace, 2},
    {"narrate", "[N]", "the last N things (10) that the hypervisor noted on each pCPU",
     &Shell::narrate, 1},
    {"info", "", "the machine's memory, and how much of it is free", &Shell::info, 1},
    {"files", "", "what the boot module holds", &Shell::files, 1},
    {"store", "PATH", "one entry of the store, and what lies below it", &Shell::store, 2},
    {"poweroff", "", "turn the machine off, with everyone in it", &Shell::poweroff, 1},
    {"reset", "", "start the machine anew, without asking anyone in it", &Shell::reset, 1},
};

void Shell::help(const Words&) {
    for (auto& command : commands)
        print("  {:9}{:12}{}{}\n", command.name, command.arguments,
              command.arguments.size() < 12 ? "" : "\n                       ", command.purpose);
}

void Shell::list(const Words&) {
    print("{:40} {:5} {:5} {:5}\tState\tTime(s)\n", "Name", "   ID", "  Mem", "VCPUs");
    for (auto& row : steward_.list()) {
        u64 tenths = row.info.cpu_time / 100'000'000;
        print("{:40} {:5} {:5} {:5}     {}  {:6}.{}\n", row.name, row.info.domain,
              (u64{row.info.tot_pages} * page_size + MiB / 2) / MiB, row.info.nr_online_vcpus,
              std::string_view{row.state()}, tenths / 10, tenths % 10);
    }
}

void Shell::create(const Words& words) {
    Wish wish;
    wish.name = words[1];
    for (size_t i = 2; i < words.size(); i++) {
        std::string_view word = words[i];
        auto key = word.substr(0, word.find('='));
        if (key.size() + 1 >= word.size()) return print("'{}' is not NAME=VALUE\n", word);
        auto value = word.substr(key.size() + 1);
        if (key == "kernel") {
            wish.kernel = value;
        } else if (key == "ramdisk") {
            wish.ramdisks.push_back(value);
        } else if (key == "memory" || key == "vcpus") {
            auto number = parse_number(value);
            if (!number) return print("'{}' must be a number\n", word);
            (key == "memory" ? wish.memory_mib : wish.vcpus) = *number;
        } else if (key == "cmdline") {
            wish.command_line = value;
        } else {
            return print("no option '{}': kernel ramdisk memory vcpus cmdline\n", key);
        }
    }
    std::string why;
    auto id = steward_.create(wish, why);
    if (!id) return print("{}\n", std::string_view{why});
    print("{} is d{}\n", wish.name, *id);
}

void Shell::console(const Words& words) {
    std::string why;
    Domain* domain = household_.find(std::string_view{words[1]});
    if (domain == nullptr) domain = steward_.living(words[1], why); // says why there is none
    if (domain == nullptr) return print("{}\n", std::string_view{why});
    kit::console().write(domain->console.last_words());
    if (domain->gone)
        return print("\n{} is gone; these were its last words\n", std::string_view{words[1]});
    attached_ = domain->id();
    attached_name_ = domain->order.name;
}

void Shell::pause(const Words& words) {
    std::string why;
    report(steward_.pause(words[1], why), why);
}

void Shell::unpause(const Words& words) {
    std::string why;
    report(steward_.unpause(words[1], why), why);
}

void Shell::shutdown(const Words& words) {
    std::string why;
    report(steward_.request(words[1], "poweroff", why), why);
}

void Shell::reboot(const Words& words) {
    std::string why;
    report(steward_.request(words[1], "reboot", why), why);
}

void Shell::destroy(const Words& words) {
    std::string why;
    report(steward_.destroy(words[1], why), why);
}

void Shell::dmesg(const Words&) {
    for (u32 next = 0;;) {
        auto log = read_hypervisor_log(next);
        if (!log) return print("no log: {}\n", describe(log.error().code));
        if (log->text.empty()) return;
        kit::console().write(log->text);
        next = log->next;
    }
}

void Shell::trace(const Words& words) {
    u32 bits = trace_rare;
    if (words[1] != "on" && (words[1] != "off" || words.size() > 2))
        return print("it is: trace on WORD..., or trace off\n");
    for (size_t i = 2; i < words.size(); i++) {
        auto more = trace_bits(words[i]);
        if (!more)
            return print("'{}' is neither a chapter nor one of: hypercalls exits turns bells "
                         "promises\n",
                         std::string_view{words[i]});
        bits |= *more;
    }
    if (auto done = set_trace_mask(bits); !done.ok())
        print("the trace cannot be switched: {}\n", describe(done.error().code));
}

void Shell::narrate(const Words& words) {
    auto most = words.size() > 1 ? parse_number(words[1]) : std::optional<u32>{10};
    if (!most) return print("'{}' must be a number\n", std::string_view{words[1]});
    TraceRings& rings = steward_.rings();
    if (auto opened = rings.open(); !opened.ok())
        return print("there is no trace: {}\n", describe(opened.error().code));
    std::vector<TraceRecord> records;
    for (u32 cpu = 0; cpu < rings.cpus(); cpu++) {
        const u64 written = rings.ring(cpu).written;
        const u64 from = written > *most ? written - *most : 0;
        auto reading = read_ring(rings.ring(cpu), from, *most);
        records.insert(records.end(), reading.records.begin(), reading.records.end());
    }
    std::sort(records.begin(), records.end(),
              [](auto& one, auto& other) { return one.time < other.time; });
    for (auto& record : records)
        tell_record(kit::console(), record);
}

void Shell::info(const Words&) {
    auto machine = physical_info();
    if (!machine) return print("nothing is told: {}\n", describe(machine.error().code));
    print("{:23}: {} KiB\n", "total_memory", u64{machine->total_pages} * page_size / KiB);
    print("{:23}: {} KiB\n", "free_memory", u64{machine->free_pages} * page_size / KiB);
}

void Shell::files(const Words&) {
    std::string why;
    for (auto& file : steward_.files().list(why))
        print("{:12} {}\n", file.bytes.size(), file.name);
    if (!why.empty()) print("the boot module is damaged: {}\n", std::string_view{why});
}

void Shell::store(const Words& words) {
    Text text;
    if (!household_.store().show(words[1], text))
        print("no entry '{}' in the store\n", std::string_view{words[1]});
}

void Shell::poweroff(const Words&) { shut_down(kit::Shutdown::poweroff); }
void Shell::reset(const Words&) { shut_down(kit::Shutdown::reboot); }

}  // namespace dom0

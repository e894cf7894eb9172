// The shell's commands.
#include "shell.hpp"

#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <algorithm>

namespace dom0 {
namespace {

/// One line about what went wrong, or silence.
void report(std::string_view doing, std::string_view name, const Result<>& done) {
    if (!done.ok()) print("cannot {} {}: {}\n", doing, name, describe(done.error().code));
}

bool is_paused(const Domain& domain) {
    auto info = domain_info(domain.id());
    return info.ok() && (info->flags & XEN_DOMINF_paused) != 0;
}

/// Six letters, as xl prints them.
std::string state_of(const xen_domctl_getdomaininfo& info) {
    auto has = [&](u32 flag, char letter) { return (info.flags & flag) != 0 ? letter : '-'; };
    u32 reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    bool crashed = (info.flags & XEN_DOMINF_shutdown) != 0 && reason == SHUTDOWN_crash;
    return {has(XEN_DOMINF_running, 'r'), has(XEN_DOMINF_blocked, 'b'),
            has(XEN_DOMINF_paused, 'p'),  has(XEN_DOMINF_shutdown, 's'),
            crashed ? 'c' : '-',          has(XEN_DOMINF_dying, 'd')};
}

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
     "hypercalls, exits, turns, bells", &Shell::trace, 2},
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
    for (u32 next = 0; next < DOMID_FIRST_RESERVED;) {
        auto info = domain_info(u16(next));
        if (!info) break;
        Domain* domain = household_.find(info->domain);
        std::string_view name = info->domain == 0   ? "Domain-0"
                                : domain != nullptr ? std::string_view{domain->order.name}
                                                    : "(null)";
        u64 tenths = info->cpu_time / 100'000'000;
        print("{:40} {:5} {:5} {:5}     {}  {:6}.{}\n", name, info->domain,
              (u64{info->tot_pages} * page_size + MiB / 2) / MiB, info->nr_online_vcpus,
              std::string_view{state_of(*info)}, tenths / 10, tenths % 10);
        next = u32{info->domain} + 1;
    }
}

void Shell::create(const Words& words) {
    Order order;
    order.name = words[1];
    if (order.name.find('=') != order.name.npos) return print("a domain's name comes first\n");
    Domain* same = household_.find(std::string_view{order.name});
    if ((same != nullptr && !same->gone) || order.name == "Domain-0")
        return print("a domain named {} exists already\n", std::string_view{order.name});

    for (size_t i = 2; i < words.size(); i++) {
        std::string_view word = words[i];
        auto key = word.substr(0, word.find('='));
        auto value = option({words[i]}, key);
        if (!value) return print("'{}' is not NAME=VALUE\n", word);
        if (key == "kernel" || key == "ramdisk") {
            const char* why = nullptr;
            auto file = module_.find(*value, &why);
            if (!file) return print("no file '{}' in the boot module: files lists them\n", *value);
            if (key == "kernel")
                order.kernel = file->bytes;
            else
                order.ramdisks.push_back(file->bytes);
        } else if (key == "memory" || key == "vcpus") {
            auto number = parse_number(*value);
            if (!number) return print("'{}' must be a number\n", word);
            (key == "memory" ? order.memory_mib : order.vcpus) = *number;
        } else if (key == "cmdline") {
            order.command_line = *value;
        } else {
            return print("no option '{}': kernel ramdisk memory vcpus cmdline\n", key);
        }
    }
    if (order.kernel.empty()) return print("a domain needs kernel=FILE\n");
    std::string why;
    auto id = household_.create(std::move(order), why);
    if (!id)
        return print("cannot create {}: {}\n", std::string_view{words[1]}, std::string_view{why});
    print("{} is d{}\n", std::string_view{words[1]}, *id);
}

void Shell::console(const Words& words) {
    Domain* domain = household_.find(std::string_view{words[1]});
    if (domain == nullptr) return (void)living(words[1]);
    kit::console().write(domain->console.last_words());
    if (domain->gone)
        return print("\n{} is gone; these were its last words\n", std::string_view{words[1]});
    attached_ = domain->id();
    attached_name_ = domain->order.name;
}

void Shell::pause(const Words& words) {
    Domain* domain = living(words[1]);
    if (domain == nullptr) return;
    if (is_paused(*domain)) return print("{} is paused already\n", std::string_view{words[1]});
    report("pause", words[1], pause_domain(domain->id()));
}

void Shell::unpause(const Words& words) {
    Domain* domain = living(words[1]);
    if (domain == nullptr) return;
    if (!is_paused(*domain)) return print("{} is not paused\n", std::string_view{words[1]});
    report("unpause", words[1], unpause_domain(domain->id()));
}

void Shell::shutdown(const Words& words) {
    Domain* domain = living(words[1]);
    if (domain == nullptr) return;
    if (!has_events) return print("without event channels no guest can be asked: use destroy\n");
    household_.request(*domain, "poweroff");
}

void Shell::reboot(const Words& words) {
    Domain* domain = living(words[1]);
    if (domain == nullptr) return;
    if (!has_events) return print("without event channels no guest can be asked: use destroy\n");
    household_.request(*domain, "reboot");
}

void Shell::destroy(const Words& words) {
    if (Domain* domain = living(words[1])) report("destroy", words[1], household_.destroy(*domain));
}

void Shell::dmesg(const Words&) {
    auto log = read_hypervisor_log();
    if (!log) return print("no log: {}\n", describe(log.error().code));
    kit::console().write(*log);
}

void Shell::trace(const Words& words) {
    u32 bits = trace_rare;
    if (words[1] != "on" && (words[1] != "off" || words.size() > 2))
        return print("it is: trace on WORD..., or trace off\n");
    for (size_t i = 2; i < words.size(); i++) {
        auto more = trace_bits(words[i]);
        if (!more)
            return print("'{}' is neither a chapter nor one of: hypercalls exits turns bells\n",
                         std::string_view{words[i]});
        bits |= *more;
    }
    if (auto done = set_trace_mask(bits); !done.ok())
        print("the trace cannot be switched: {}\n", describe(done.error().code));
}

void Shell::narrate(const Words& words) {
    auto most = words.size() > 1 ? parse_number(words[1]) : std::optional<u32>{10};
    if (!most) return print("'{}' must be a number\n", std::string_view{words[1]});
    if (auto opened = rings_.open(); !opened.ok())
        return print("there is no trace: {}\n", describe(opened.error().code));
    std::vector<TraceRecord> records;
    for (u32 cpu = 0; cpu < rings_.cpus(); cpu++) {
        const u64 written = rings_.ring(cpu).written;
        const u64 from = written > *most ? written - *most : 0;
        auto reading = read_ring(rings_.ring(cpu), from, *most);
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
    Archive module = module_;
    const char* why = nullptr;
    for (;;) {
        auto file = module.next(&why);
        if (file.ok())
            print("{:12} {}\n", file->bytes.size(), file->name);
        else if (file.error().code == Errno::XEN_ENOENT)
            return;
        else
            return print("the boot module is damaged: {}\n", why);
    }
}

void Shell::store(const Words& words) {
    if (!household_.store().show(words[1], kit::console()))
        print("no entry '{}' in the store\n", std::string_view{words[1]});
}

void Shell::poweroff(const Words&) { shut_down(kit::Shutdown::poweroff); }
void Shell::reset(const Words&) { shut_down(kit::Shutdown::reboot); }

}  // namespace dom0

// The oracle's guest: puts the same questions to whatever hypervisor it wakes up under.
#include "ask.hpp"
#include "attempt.hpp"
#include "places.hpp"

namespace {

struct Subject {
    std::string_view name;
    void (*ask)();
};

constexpr Subject subjects[] = {
    {"start", oracle::ask_start},
    {"acpi", oracle::ask_acpi},
    {"cpuid", oracle::ask_cpuid},
    {"msrs", oracle::ask_msrs},
    {"ports", oracle::ask_ports},
    {"numbers", oracle::ask_numbers},
    {"places", oracle::ask_places},
    {"version", oracle::ask_version},
    {"memory", oracle::ask_memory},
    {"physmap", oracle::ask_physmap},
    {"hvm", oracle::ask_hvm},
    {"sched", oracle::ask_sched},
    {"vcpu", oracle::ask_vcpu},
    {"grants", oracle::ask_grants},
    {"privileged", oracle::ask_privileged},
    {"assists", oracle::ask_assists},
    {"narrow", oracle::ask_narrow},
    {"layouts", oracle::ask_layouts},
    {"continuations", oracle::ask_continuations},
    {"events", oracle::ask_events},
    {"fifo", oracle::ask_fifo},
    {"time", oracle::ask_time},
    {"upcalls", oracle::ask_upcalls},
    {"processors", oracle::ask_processors},
    {"promises", oracle::ask_promises},
    {"second", oracle::ask_second},
};

}  // namespace

/// Options: `ask=SUBJECT` puts that subject's questions only, `end=HOW` ends the domain so.
void guest_main() {
    using namespace oracle;
    attempts_init();
    places_init();
    if (const auto how = guest().option("end"); !how.empty()) return end_by(how);
    const auto wanted = guest().option("ask");
    remark("begin");
    for (const Subject& subject : subjects)
        if (wanted.empty() || wanted == subject.name) subject.ask();
    remark("end");
}

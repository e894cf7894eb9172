// The table of verbs, and those about the whole machine.
#include "verbs.hpp"

#include "journal.hpp"

#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/print.hpp>

namespace dom0 {
namespace {

constexpr size_t news_kept = 8 * KiB;

constexpr std::string_view chapters[] = {"boot",    "domains",    "grants",    "events",
                                         "credit2", "ballooning", "migration", "failures"};

/// AMD's processors have SVM, all others VMX.
std::string_view engine() {
    constexpr u32 amd = 0x444d4163, hygon = 0x656e6975; // "cAMD", "uine": the name's end
    const u32 end = cpuid(0).ecx;
    return end == amd || end == hygon ? "svm" : "vmx";
}

std::string extra_version() {
    xen_extraversion_t text = {};
    if (!xen_version(XENVER_extraversion, text)) return {};
    return text;
}

}  // namespace

constinit const Verbs::Verb Verbs::verbs[verb_count] = {
    {"list", &Verbs::list},
    {"create", &Verbs::create},
    {"pause", &Verbs::pause},
    {"unpause", &Verbs::unpause},
    {"shutdown", &Verbs::shutdown},
    {"reboot", &Verbs::reboot},
    {"destroy", &Verbs::destroy},
    {"console.read", &Verbs::console_read},
    {"console.write", &Verbs::console_write},
    {"dmesg", &Verbs::dmesg},
    {"news", &Verbs::news},
    {"info", &Verbs::info},
    {"cpus", &Verbs::cpus},
    {"poweroff", &Verbs::poweroff},
    {"reset", &Verbs::reset},
    {"files", &Verbs::files},
    {"file.begin", &Verbs::file_begin},
    {"file.write", &Verbs::file_write},
    {"file.end", &Verbs::file_end},
    {"file.remove", &Verbs::file_remove},
    {"store.read", &Verbs::store_read},
    {"store.list", &Verbs::store_list},
    {"store.write", &Verbs::store_write},
    {"store.remove", &Verbs::store_remove},
    {"store.talk", &Verbs::store_talk},
    {"store.leave", &Verbs::store_leave},
    {"memory.read", &Verbs::memory_read},
    {"memory.write", &Verbs::memory_write},
    {"vcpus", &Verbs::vcpus},
    {"registers", &Verbs::registers},
    {"grants", &Verbs::grants},
    {"ports", &Verbs::ports},
    {"trace.info", &Verbs::trace_info},
    {"trace.mask", &Verbs::trace_mask},
    {"trace.read", &Verbs::trace_read},
};

Verbs::Verbs(Steward& steward) : steward_{steward}, boot_{rdtsc() ^ wall_seconds() << 32} {}

Result<> Verbs::perform(std::string_view name, const Request& request) {
    for (auto& verb : verbs) {
        if (verb.name != name) continue;
        auto done = (this->*verb.run)(request);
        if (!done && request.says.empty()) request.says = describe(done.error().code);
        return done;
    }
    return refuse(request, Errno::XEN_ENOSYS, "no such verb");
}

void Verbs::introduce(CborWriter& hello) {
    hello.text("boot").number(boot_).text("build").text(extra_version());
    hello.text("engine").text(engine()).text("chapters").open_array();
    for (size_t i = 0; i <= HV_THROUGH; i++)
        hello.text(chapters[i]);
    hello.close();
}

void Verbs::hear_news(std::string_view news) {
    news_ += news;
    news_written_ += news.size();
    if (news_.size() > news_kept) news_.erase(0, news_.find('\n', news_.size() - news_kept) + 1);
}

Result<> Verbs::dmesg(const Request& request) {
    const u64 from = request.number("from");
    auto part = TRY(read_hypervisor_log(u32(from)));
    const u64 start = u32(part.next - part.text.size());
    request.answer.open_map().text("text").bytes(part.text).text("next").number(part.next);
    request.answer.text("lost").number(start > from ? start - from : 0).close();
    return {};
}

/// Whole lines: what a line's beginning has lost is not told as a line.
Result<> Verbs::news(const Request& request) {
    constexpr size_t most = 2 * KiB;
    auto found = passage(news_, news_written_, request.number("from"), most);
    const size_t whole = found.text.rfind('\n') + 1;
    std::string_view rest = found.text.substr(0, whole);
    request.answer.open_map().text("lines").open_array();
    for (; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
        request.answer.text(rest.substr(0, rest.find('\n')));
    request.answer.close().text("next").number(found.next - (found.text.size() - whole));
    request.answer.text("lost").number(found.lost).close();
    return {};
}

Result<> Verbs::info(const Request& request) {
    auto machine = TRY(physical_info());
    auto& answer = request.answer.open_map();
    answer.text("total_kib").number(machine.total_pages * (page_size / KiB));
    answer.text("free_kib").number(machine.free_pages * (page_size / KiB));
    answer.text("cpus").number(machine.nr_cpus).text("cpu_khz").number(machine.cpu_khz);
    answer.text("now_ns").number(now_ns()).close();
    return {};
}

Result<> Verbs::cpus(const Request& request) {
    u64 id = 0;
    auto times = TRY(idle_times());
    request.answer.open_array();
    for (u64 idle : times)
        request.answer.open_map().text("id").number(id++).text("idle_ns").number(idle).close();
    request.answer.close();
    return {};
}

Result<> Verbs::poweroff(const Request& request) {
    ending_ = Shutdown::poweroff;
    request.answer.null();
    return {};
}

Result<> Verbs::reset(const Request& request) {
    ending_ = Shutdown::reboot;
    request.answer.null();
    return {};
}

}  // namespace dom0

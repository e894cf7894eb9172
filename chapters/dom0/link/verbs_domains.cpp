// The verbs about domains: their lives and their consoles.
#include "journal.hpp"
#include "verbs.hpp"

namespace dom0 {
namespace {

constexpr size_t passage_room = 4 * KiB;

Result<> done(const Request& request, const Result<>& result) {
    if (result.ok()) request.answer.null();
    return result;
}

}  // namespace

Result<> Verbs::list(const Request& request) {
    auto& answer = request.answer.open_array();
    for (auto& row : steward_.list()) {
        const auto& info = row.info;
        const u64 limit = info.domain == 0 ? info.tot_pages : info.max_pages;
        answer.open_map().text("id").number(info.domain).text("name").text(row.name);
        answer.text("state").text(row.state());
        answer.text("memory_kib").number(info.tot_pages * (page_size / KiB));
        answer.text("max_kib").number(limit * (page_size / KiB));
        answer.text("vcpus").number(info.max_vcpu_id + 1).text("online");
        answer.number(info.nr_online_vcpus).text("time_ns").number(info.cpu_time).close();
    }
    answer.close();
    return {};
}

Result<> Verbs::create(const Request& request) {
    Wish wish;
    wish.name = request.text("name");
    wish.kernel = request.text("kernel");
    wish.command_line = request.text("cmdline");
    if (const Value* ramdisks = request.arguments.find("ramdisks"))
        for (auto& ramdisk : ramdisks->items)
            wish.ramdisks.push_back(ramdisk.text);
    if (u64 memory = request.number("memory")) wish.memory_mib = memory < 1 * MiB ? u32(memory) : 0;
    if (u64 vcpus = request.number("vcpus")) wish.vcpus = vcpus < 1 * KiB ? u32(vcpus) : 0;
    u16 id = TRY(steward_.create(wish, request.says));
    request.answer.open_map().text("id").number(id).close();
    return {};
}

Result<> Verbs::pause(const Request& request) {
    return done(request, steward_.pause(request.name(), request.says));
}

Result<> Verbs::unpause(const Request& request) {
    return done(request, steward_.unpause(request.name(), request.says));
}

Result<> Verbs::shutdown(const Request& request) {
    return done(request, steward_.request(request.name(), "poweroff", request.says));
}

Result<> Verbs::reboot(const Request& request) {
    return done(request, steward_.request(request.name(), "reboot", request.says));
}

Result<> Verbs::destroy(const Request& request) {
    return done(request, steward_.destroy(request.name(), request.says));
}

/// Also the last words of a domain that is gone.
Result<> Verbs::console_read(const Request& request) {
    Domain* domain = steward_.household().find(std::string_view{request.name()});
    if (domain == nullptr) domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    auto& console = domain->console;
    auto found =
        passage(console.last_words(), console.said(), request.number("from"), passage_room);
    request.answer.open_map().text("text").bytes(found.text).text("next").number(found.next);
    request.answer.text("lost").number(found.lost).close();
    return {};
}

Result<> Verbs::console_write(const Request& request) {
    Domain* domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    u64 taken = 0;
    for (char letter : request.text("bytes"))
        if (domain->console.type(letter)) taken++;
    request.answer.open_map().text("taken").number(taken).close();
    return {};
}

}  // namespace dom0

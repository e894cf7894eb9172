// The deeds: each looks first whether it can be done, and says why not.
#include "steward.hpp"

#include <kit/print.hpp>

namespace dom0 {
namespace {

Error refuse(std::string& why, Errno code, std::string text) {
    why = std::move(text);
    return Error{code};
}

/// What came of a deed; a failure is told as "cannot pause web: busy".
Result<> tell(const Result<>& done, std::string_view doing, std::string_view name,
              std::string& why) {
    if (done.ok()) return {};
    return refuse(why, done.error().code,
                  "cannot " + std::string{doing} + " " + std::string{name} + ": " +
                      std::string{describe(done.error().code)});
}

bool is_paused(const Domain& domain) {
    auto info = domain_info(domain.id());
    return info.ok() && (info->flags & XEN_DOMINF_paused) != 0;
}

/// A name that a person can type, and that a line of the list can show.
bool valid_name(std::string_view name) {
    constexpr size_t longest = 255;
    for (char letter : name)
        if (letter < ' ' || letter > '~' || letter == '=' || letter == '/') return false;
    return !name.empty() && name.size() <= longest;
}

}  // namespace

std::string Row::state() const {
    auto has = [&](u32 flag, char letter) { return (info.flags & flag) != 0 ? letter : '-'; };
    u32 reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    bool crashed = (info.flags & XEN_DOMINF_shutdown) != 0 && reason == SHUTDOWN_crash;
    return {has(XEN_DOMINF_running, 'r'), has(XEN_DOMINF_blocked, 'b'),
            has(XEN_DOMINF_paused, 'p'),  has(XEN_DOMINF_shutdown, 's'),
            crashed ? 'c' : '-',          has(XEN_DOMINF_dying, 'd')};
}

std::vector<Row> Steward::list() {
    std::vector<Row> rows;
    for (u32 next = 0; next < DOMID_FIRST_RESERVED; next = u32{rows.back().info.domain} + 1) {
        auto info = domain_info(u16(next));
        if (!info) break;
        Domain* domain = household_.find(info->domain);
        std::string_view name = info->domain == 0   ? "Domain-0"
                                : domain != nullptr ? std::string_view{domain->order.name}
                                                    : "(null)";
        rows.push_back({name, *info});
    }
    return rows;
}

/// Adds to the order what holds the file, and returns its bytes.
Result<std::span<const u8>> Steward::take_file(Order& order, std::string_view name,
                                               std::string& why) {
    auto file = files_.find(name);
    if (!file)
        return refuse(why, file.error().code,
                      "no file '" + std::string{name} + "' in the boot module: files lists them");
    if (file->upload) order.uploads.push_back(file->upload);
    return file->bytes;
}

Result<u16> Steward::create(const Wish& wish, std::string& why) {
    std::string name{wish.name};
    if (!valid_name(name))
        return refuse(why, Errno::XEN_EINVAL, "a domain's name comes first, without = or /");
    Domain* same = household_.find(wish.name);
    if ((same != nullptr && !same->gone) || name == "Domain-0")
        return refuse(why, Errno::XEN_EEXIST, "a domain named " + name + " exists already");
    if (wish.kernel.empty()) return refuse(why, Errno::XEN_EINVAL, "a domain needs kernel=FILE");

    Order order;
    order.name = name;
    order.command_line = wish.command_line;
    order.memory_mib = wish.memory_mib;
    order.vcpus = wish.vcpus;
    order.kernel = TRY(take_file(order, wish.kernel, why));
    for (auto ramdisk : wish.ramdisks)
        order.ramdisks.push_back(TRY(take_file(order, ramdisk, why)));

    std::string reason;
    auto id = household_.create(std::move(order), reason);
    if (!id) return refuse(why, id.error().code, "cannot create " + name + ": " + reason);
    return id;
}

Result<> Steward::pause(std::string_view name, std::string& why) {
    Domain* domain = living(name, why);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    if (is_paused(*domain))
        return refuse(why, Errno::XEN_EINVAL, std::string{name} + " is paused already");
    return tell(pause_domain(domain->id()), "pause", name, why);
}

Result<> Steward::unpause(std::string_view name, std::string& why) {
    Domain* domain = living(name, why);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    if (!is_paused(*domain))
        return refuse(why, Errno::XEN_EINVAL, std::string{name} + " is not paused");
    return tell(unpause_domain(domain->id()), "unpause", name, why);
}

Result<> Steward::request(std::string_view name, std::string_view how, std::string& why) {
    Domain* domain = living(name, why);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    if (!has_events)
        return refuse(why, Errno::XEN_EOPNOTSUPP,
                      "without event channels no guest can be asked: use destroy");
    household_.request(*domain, how);
    return {};
}

Result<> Steward::destroy(std::string_view name, std::string& why) {
    Domain* domain = living(name, why);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    return tell(household_.destroy(*domain), "destroy", name, why);
}

Domain* Steward::living(std::string_view name, std::string& why) {
    Domain* domain = household_.find(name);
    if (domain != nullptr && !domain->gone) return domain;
    if (name == "0" || name == "Domain-0")
        why = "dom0 does not do that to itself";
    else
        why = "no domain '" + std::string{name} + "': list shows them";
    return nullptr;
}

}  // namespace dom0

// What a person may ask of dom0, in words at its shell or over the link: the same deeds for both.
#pragma once

#include "files.hpp"
#include "household.hpp"
#include "trace.hpp"

namespace dom0 {

/// A domain that somebody wants: its files by their names.
struct Wish {
    std::string_view name, kernel, command_line;
    std::vector<std::string_view> ramdisks;
    u32 memory_mib = 64, vcpus = 1;
};

/// A line of the list of domains.
struct Row {
    std::string_view name;
    xen_domctl_getdomaininfo info;

    /// Six letters, as xl prints them.
    std::string state() const;
};

/// Every deed that can be refused sets `why` to one line for a person then.
class Steward {
public:
    Steward(Files& files, Household& household) : files_{files}, household_{household} {}

    /// Every domain, dom0 too, by number.
    std::vector<Row> list();
    Result<u16> create(const Wish& wish, std::string& why);
    Result<> pause(std::string_view name, std::string& why);
    Result<> unpause(std::string_view name, std::string& why);
    /// Asks the guest to end itself: "poweroff" or "reboot".
    Result<> request(std::string_view name, std::string_view how, std::string& why);
    Result<> destroy(std::string_view name, std::string& why);

    /// A domain that is not gone; null sets `why`.
    Domain* living(std::string_view name, std::string& why);

    Files& files() { return files_; }
    Household& household() { return household_; }
    TraceRings& rings() { return rings_; }

private:
    Result<std::span<const u8>> take_file(Order& order, std::string_view name, std::string& why);

    Files& files_;
    Household& household_;
    TraceRings rings_;
};

}  // namespace dom0

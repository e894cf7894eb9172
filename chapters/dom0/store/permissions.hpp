// Who may do what with an entry of the store, in the notation of the wire: "n0 r5".
#pragma once

#include "path.hpp"

#include <vector>

namespace dom0 {

/// What one domain may do with an entry. The first of an entry's list names its owner, and what
/// everyone may do whom the others do not name.
struct Permission {
    u16 domain = 0;
    bool read = false, write = false;

    bool operator==(const Permission&) const = default;
};

using Permissions = std::vector<Permission>;

/// Who asks: a client's domain, and the one in whose name it may act besides (XS_SET_TARGET).
struct Who {
    Who(u16 asker) : Who{asker, asker} {}
    Who(u16 asker, u16 besides) : domain{asker}, target{besides} {}
    bool is(u16 other) const { return other == domain || other == target; }

    u16 domain, target;
};

enum class Access { read, write };

/// Whether somebody may; dom0 and the owner may everything.
bool allows(const Permissions& permissions, Who who, Access access);
bool is_owner(const Permissions& permissions, Who who);

/// "r5" and its kin, both ways: n none, r read, w write, b both.
std::string to_text(const Permission& permission);
Result<Permission> parse_permission(std::string_view text);

/// A domain's number in decimal, 0 to 0x7fef.
Result<u16> parse_domain(std::string_view text);

}  // namespace dom0

// Who may do what with an entry of the store.
#include "permissions.hpp"

namespace dom0 {
namespace {

constexpr std::string_view letters = "nrwb";
constexpr u32 first_reserved_domain = 0x7ff0; // DOMID_FIRST_RESERVED

}  // namespace

bool is_owner(const Permissions& permissions, Who who) {
    return who.domain == 0 || who.is(permissions.front().domain);
}

bool allows(const Permissions& permissions, Who who, Access access) {
    if (is_owner(permissions, who)) return true;
    const Permission* found = &permissions.front();
    for (size_t i = permissions.size() - 1; i > 0; i--)
        if (who.is(permissions[i].domain)) found = &permissions[i];
    return access == Access::write ? found->write : found->read;
}

std::string to_text(const Permission& permission) {
    return letters[(permission.read ? 1 : 0) + (permission.write ? 2 : 0)] +
           decimal(permission.domain);
}

Result<Permission> parse_permission(std::string_view text) {
    if (text.empty()) return Error{Errno::XEN_EINVAL};
    size_t bits = letters.find(text[0]);
    if (bits == letters.npos) return Error{Errno::XEN_EINVAL};
    auto domain = parse_domain(text.substr(1));
    if (!domain) return domain.error();
    return Permission{*domain, (bits & 1) != 0, (bits & 2) != 0};
}

Result<u16> parse_domain(std::string_view text) {
    auto domain = parse_decimal(text);
    if (!domain || *domain >= first_reserved_domain) return Error{Errno::XEN_EINVAL};
    return u16(*domain);
}

}  // namespace dom0

// domctl: the toolstack's calls about one domain, checked in Xen's order, then looked up in tables.
#include <domains/domctl.hpp>

namespace hv {
namespace {

DomctlHandler find_handler(u32 command) {
    for (const auto rows : {domctl_life, domctl_settings, domctl_vcpus})
        for (const DomctlRow& row : rows)
            if (row.command == command)
                return row.handler;
    return nullptr;
}

bool names_a_domain(u32 command) {
    return command != XEN_DOMCTL_createdomain && command != XEN_DOMCTL_getdomaininfo;
}

}  // namespace

Answer domctl(Call& call) {
    xen_domctl_t op;
    const u64 address = call.argument(0);
    TRY(call.read(op, address));
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return refuse(XEN_EACCES);
    DomainRef target;
    if (names_a_domain(op.cmd)) {
        target = find_domain(call.domain.machine, op.domain);
        if (!target)
            return refuse(XEN_ESRCH);
    }
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);

    // Of a domain that was taken apart there is only its row, which getdomaininfo reads
    if (target && target->taken_apart.load() && op.cmd != XEN_DOMCTL_destroydomain)
        return refuse(XEN_ESRCH);
    const DomctlHandler handler = find_handler(op.cmd);
    if (handler == nullptr)
        return refuse(XEN_ENOSYS);
    DomctlCall ctl{call, op, target ? &*target : nullptr};
    const Answer result = handler(ctl);
    if (ctl.copy_back && !call.write(address, op).ok())
        return refuse(XEN_EFAULT);
    return result;
}

}  // namespace hv

// XEN_DOMCTL_*: the toolstack's calls about one domain.
#pragma once

#include <domains/calls.hpp>
#include <xen/domctl.h>

namespace hv {

/// One domctl in flight: the caller's structure, copied once, and the domain that it names.
struct DomctlCall {
    Call& call;
    xen_domctl_t& op;
    Domain* domain;        ///< nullptr only for createdomain and getdomaininfo
};

/// XEN_DOMCTL_gethvmcontext: HEADER, the records of each vCPU, and END to the caller's buffer, and
/// their size; without a buffer, the size alone. XEN_ENOSPC, XEN_EFAULT.
Answer get_context(DomctlCall& ctl);
/// XEN_DOMCTL_sethvmcontext: puts each record up to END into effect. XEN_EINVAL: a record that is
/// not right; XEN_ENODATA: no END; XEN_EFAULT. What came before a bad record is in effect.
Answer set_context(DomctlCall& ctl);

}  // namespace hv

// XEN_DOMCTL_*: the rows of the table, and what several of them need.
#pragma once

#include <domains/calls.hpp>
#include <xen/domctl.h>

namespace hv {

/// One domctl in flight: the caller's structure, copied once, and the domain that it names.
struct DomctlCall {
    Call& call;
    xen_domctl_t& op;
    Domain* domain;        ///< nullptr only for createdomain and getdomaininfo
    bool copy_back = false;///< the structure carries an answer
};

using DomctlHandler = Answer (*)(DomctlCall& ctl);

struct DomctlRow {
    u32 command;           ///< XEN_DOMCTL_*
    DomctlHandler handler;
};

/// Life: create, destroy, pause, unpause, getdomaininfo, max_vcpus, max_mem, … (domctl_life.cpp)
extern const std::span<const DomctlRow> domctl_life;
/// Configuration and vCPUs (domctl_settings.cpp, domctl_vcpus.cpp)
extern const std::span<const DomctlRow> domctl_settings;
extern const std::span<const DomctlRow> domctl_vcpus;

/// What the toolstack sees of `domain`: also for sysctl's list.
void describe(Domain& domain, xen_domctl_getdomaininfo_t& info);

}  // namespace hv

// Who the hypervisor says it is: XENVER_* from xen/version.h, as Xen 4.17 tells a PVH guest.
#include <algorithm>
#include <domains/calls.hpp>
#include <xen/version.h>

namespace hv {
namespace {

constexpr u32 version_4_17 = 4 << 16 | 17;

/// Copies `text` with its terminator into the first bytes of a field.
template <size_t size>
void put(char (&field)[size], std::string_view text) {
    std::copy_n(text.begin(), std::min(text.size(), size - 1), field);
}

/// Writes a zero-filled text of exactly `size` bytes to the guest.
template <size_t size>
[[gnu::noinline]] Answer give_text(Call& call, u64 address, std::string_view text) {
    char field[size] = {};
    put(field, text);
    return call.write(address, field, size);
}

[[gnu::noinline]] Answer give_compile_info(Call& call, u64 address) {
    xen_compile_info_t info{};
    put(info.compiler, __VERSION__);
    put(info.compile_by, "subfloor");
    return call.write(address, info);
}

/// The features that Xen has for a PVH guest; dom0's memory is also mapped one to one.
u32 features_of(const Domain& domain) {
    u32 features = 1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_writable_page_tables |
                   1u << XENFEAT_auto_translated_physmap | 1u << XENFEAT_hvm_callback_vector |
                   1u << XENFEAT_hvm_safe_pvclock;
    if (domain.privileged)
        features |= 1u << XENFEAT_dom0 | 1u << XENFEAT_direct_mapped;
    else
        features |= 1u << XENFEAT_not_direct_mapped;
    return features;
}

[[gnu::noinline]] Answer give_features(Call& call, u64 address) {
    auto info = TRY(call.read<xen_feature_info_t>(address));
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return refuse(XEN_EINVAL);
    info.submap = features_of(call.domain);
    return call.write(address, info);
}

Answer give_command_line(Call& call, u64 address) {
    const std::string_view line =
        call.domain.privileged ? call.domain.machine.facts.command_line.view() : "<denied>";
    char text[sizeof(xen_commandline_t)] = {};
    put(text, line);
    return call.write(address, text, std::min(line.size() + 1, sizeof text));
}

}  // namespace

Answer xen_version(Call& call) {
    const u64 address = call.argument(1);
    switch (static_cast<u32>(call.argument(0))) {
    case XENVER_version: return version_4_17;
    case XENVER_extraversion: return give_text<XEN_EXTRAVERSION_LEN>(call, address, ".0-subfloor");
    case XENVER_compile_info: return give_compile_info(call, address);
    case XENVER_capabilities:
        return give_text<XEN_CAPABILITIES_INFO_LEN>(
            call, address, "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ");
    case XENVER_changeset: return give_text<XEN_CHANGESET_INFO_LEN>(call, address, "");
    case XENVER_platform_parameters:
        // Where a PV guest's view of the hypervisor would begin; a PVH guest has no use for it
        return call.write_long(address, 0, call.wide ? 0xffff800000000000 : 0);
    case XENVER_get_features: return give_features(call, address);
    case XENVER_pagesize: return address != 0 ? refuse(XEN_EINVAL) : static_cast<s64>(page_size);
    case XENVER_guest_handle:
        return call.write(address, call.domain.handle, sizeof call.domain.handle);
    case XENVER_commandline: return give_command_line(call, address);
    case XENVER_build_id: return refuse(call.domain.privileged ? XEN_ENODATA : XEN_EPERM);
    default: return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv

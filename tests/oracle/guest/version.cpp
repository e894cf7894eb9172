// xen_version (xen/version.h): who the hypervisor says it is.
#include "places.hpp"

namespace oracle {
namespace {

alignas(8) constinit char buffer[1024];

long version(u32 command, const void* into) {
    return hypercall(__HYPERVISOR_xen_version, command, address(into));
}

std::string_view text() { return {buffer, strlen(buffer)}; }

}  // namespace

void ask_version() {
    tell("version.version", hex(u64(version(XENVER_version, nullptr))));
    tell("version.version: with a pointer", hex(u64(version(XENVER_version, buffer))));
    for (u32 command = 0; command < 16; command++) {
        const auto number = words("command {}", command);
        tell("version.null", number, version(command, nullptr));
        tell("version.absent", number,
             hypercall(__HYPERVISOR_xen_version, command, absent_page()));
    }
    tell("version.command: all ones", version(~0u, buffer));
    tell("version.extraversion", version(XENVER_extraversion, buffer));
    tell("version.extraversion begins with a point", buffer[0] == '.');
    tell("version.capabilities", version(XENVER_capabilities, buffer));
    tell("version.capabilities: text", text());
    tell("version.pagesize: with a pointer", version(XENVER_pagesize, buffer));
    tell("version.commandline", version(XENVER_commandline, buffer));
    tell("version.commandline: text", text());
    tell("version.changeset", version(XENVER_changeset, buffer));
    tell("version.changeset: text", text());
    tell("version.compile_info", version(XENVER_compile_info, buffer));

    auto& platform = *reinterpret_cast<xen_platform_parameters_t*>(buffer);
    tell("version.platform_parameters", version(XENVER_platform_parameters, buffer));
    tell("version.platform_parameters: virt_start", hex(platform.virt_start));
    for (u32 submap : {0u, 1u, 2u, 0xffffffffu}) {
        xen_feature_info_t info = {submap, 0};
        tell("version.get_features", words("submap {}", submap),
             version(XENVER_get_features, &info));
        tell("version.get_features: bits of", words("submap {}", submap), hex(info.submap));
    }
    bool any = false;
    tell("version.guest_handle", version(XENVER_guest_handle, buffer));
    for (int i = 0; i < 16; i++)
        any |= buffer[i] != 0;
    tell("version.guest_handle: has bits", any);
    xen_build_id_t id = {0, {}};
    tell("version.build_id: no room", version(XENVER_build_id, &id));
}

}  // namespace oracle

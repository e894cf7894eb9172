// The table of the VMX engine's operations.
#include <vmx/ept_format.hpp>
#include <vmx/operations.hpp>
#include <vmx/vmx.hpp>

namespace hv::vmx {

constexpr x86::EngineOperations operations{
    .name = "VMX",
    .nested_format = &ept_format,
    .probe = probe,
    .turn_on = turn_on,
    .create = create,
    .destroy = destroy,
    .read_state = read_state,
    .write_state = write_state,
    .paging_state = paging_state,
    .set_instruction_pointer = set_instruction_pointer,
    .read_cr4 = read_cr4,
    // The MSRs that a VMCS holds never exit
    .read_msr = [](VirtualCpu&, u32) { return Result<u64>{Error{XEN_ENOENT}}; },
    .write_msr = [](VirtualCpu&, u32, u64) { return Result<>{Error{XEN_ENOENT}}; },
};

}  // namespace hv::vmx

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
    .turn_off = turn_off,
    .create = create,
    .destroy = destroy,
    .read_state = read_state,
    .write_state = write_state,
    .paging_state = paging_state,
    .instruction_pointer = instruction_pointer,
    .set_instruction_pointer = set_instruction_pointer,
    .write_control_register = write_control_register,
    .read_control_register = read_control_register,
    .read_stack_pointer = read_stack_pointer,
    .read_msr = read_msr,
    .write_msr = write_msr,
};

}  // namespace hv::vmx

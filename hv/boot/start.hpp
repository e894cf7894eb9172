// The hypervisor's waking, from the first line of C++ to the last chapter's opening.
#pragma once

#include <boot/loader.hpp>
#include <boot/machine.hpp>

namespace hv::boot {

/// Wakes the machine and opens `plugs` in order. `cpu` is the pCPU that runs this. Called once, on
/// the first stack, by the entry code.
[[noreturn]] void wake(Machine& machine, Cpu& cpu, std::span<const Plug* const> plugs,
                       const Handover& handover);

/// Says machine.refusal in one line, and halts.
[[noreturn]] void give_up(Machine& machine);

}  // namespace hv::boot

/// Continues with `function(argument)` on the stack that ends at `stack`: see entry.S.
extern "C" [[noreturn]] void call_on_stack(hv::u64 stack, void (*function)(void*), void* argument);

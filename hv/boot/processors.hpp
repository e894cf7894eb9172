// The other pCPUs: woken one by one, each until it has its own stack, tables and clock skew.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {

/// Wakes the pCPUs that the firmware named, up to the option `cpus`, in the order of
/// facts.apic_ids. One that does not answer within a second is named, and neither it nor those
/// after it are used.
void wake_processors(Machine& machine);

/// Loads this pCPU's segments, its stacks for traps, GS, and the machine's interrupt table.
void load_tables(Cpu& cpu);
/// Sets this pCPU up further: control registers, vector state, local APIC.
void set_up_this_cpu(Cpu& cpu);

/// Calls `open_cpu` of every chapter on this pCPU; a failure ends the boot with a sentence.
void open_chapters_here(Cpu& cpu);
/// Waits until every pCPU of the machine has called meet() as often as this one. Interrupts off.
void meet(Cpu& cpu);
/// Waits until everything has started, then does machine.work for ever.
[[noreturn]] void work_for_ever(Cpu& cpu);

}  // namespace hv::boot

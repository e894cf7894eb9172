// The steps of the hypervisor's waking, in their order, and the ways in which it ends.
#pragma once

#include <boot/address_space.hpp>
#include <boot/machine.hpp>
#include <boot/trace.hpp>
#include <x86/descriptors.hpp>

namespace hv::boot {

/// The interrupt vectors that the hypervisor takes for itself. Higher ones are served first.
enum HostVector : u8 {
    console_vector = 0x40,   ///< COM1 has a byte, or a device of dom0's something
    timer_vector = 0xe0,     ///< this pCPU's timer
    kick_vector = 0xf0,      ///< another pCPU asks for attention
    spurious_vector = 0xff,  ///< the APIC changed its mind: nothing to do, no end of interrupt
};

/// What this chapter plugs into the machine.
extern const Plug plug;

/// Wakes the machine and opens `plugs` in order. `cpu` is the pCPU that runs this. Called once, on
/// the first stack, by the entry code.
[[noreturn]] void wake(Machine& machine, Cpu& cpu, std::span<const Plug* const> plugs,
                       const Handover& handover);

/// Makes the final page tables and the place of the frame table, and loads CR3: from here on
/// machine.memory shows all RAM. `cpus` stacks are made. XEN_ENOMEM when there is too little memory
/// below 4 GiB.
Result<> settle(Machine& machine, u64 cpus);

/// Masks the two 8259s and every input of the I/O APIC. Before any pCPU lets interrupts in.
void silence_interrupts(const MachineFacts& facts);
/// Lets COM1 and dom0's devices interrupt the boot pCPU. Without an I/O APIC COM1 is only polled.
/// A PCI device holds its line up until it is asked why: who looks asks first, for an edge counts.
void listen_to_console(Machine& machine);

/// Sets this pCPU up: segments, stacks for traps, GS, the machine's interrupt table, control
/// registers, vector state, local APIC.
void set_up_this_cpu(Cpu& cpu);

/// Measures the TSC (and the APIC timer) over 20 ms of the ACPI PM timer, or of the PIT where there
/// is none; a rate that CPUID tells is believed when it agrees to half a percent. Reads the CMOS
/// clock, taken as UTC. Sets machine.clock and machine.timer. Boot pCPU, its APIC on.
void calibrate(Machine& machine);

/// Wakes the pCPUs that the firmware named, up to the option `cpus`, in the order of
/// facts.apic_ids. One that does not answer within a second is named, and neither it nor those
/// after it are used.
void wake_processors(Machine& machine);

/// Waits until every pCPU of the machine has called meet() as often as this one. Interrupts off.
void meet(Cpu& cpu);
/// Calls `open_cpu` of every chapter on this pCPU; a failure ends the boot with a sentence.
void open_chapters_here(Cpu& cpu);
/// Waits until everything has started, then does machine.work for ever.
[[noreturn]] void work_for_ever(Cpu& cpu);

/// Ends the machine because of an exception in the hypervisor.
[[noreturn]] void panic_at(const x86::TrapFrame& frame);
/// Does what the option `panic` asks for: writes where only reading is allowed.
void break_on_purpose();

/// Powers the machine off through ACPI's fixed hardware; halts for ever where there is no way.
[[noreturn]] void power_off(const MachineFacts& facts);
/// Resets the machine: ACPI's reset register, then port 0xcf9, the keyboard controller, and last a
/// triple fault.
[[noreturn]] void reset(const MachineFacts& facts);

}  // namespace hv::boot

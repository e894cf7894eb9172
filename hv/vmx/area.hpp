// What the engine keeps: an area for each pCPU, and a companion to each vCPU's VMCS.
#pragma once

#include <iterator>
#include <vmx/controls.hpp>
#include <x86/msr.hpp>

namespace hv::vmx {

/// One pCPU's area, a frame of its own that turn_on takes.
struct Area {
    Controls controls{};
    u32 revision = 0;                     ///< first in every region that the CPU is given
    Mpa msr_bitmap{}, apic_msr_bitmap{};
    x86::VirtualCpu* current = nullptr;   ///< whose VMCS is current here: it has arrived
    bool visiting = false;                ///< a Loaded has another VMCS current for a moment
    x86::VirtualCpu* resident = nullptr;  ///< whose hand-switched registers this pCPU still holds
    u32 timer_value = 0;                  ///< of the preemption timer: one millisecond
    u32 next_tag = 1;                     ///< the VPID that the next newcomer gets; 0 is the host's
    u32 generation = 1;                   ///< VPIDs given out before it are good no more
    bool has_branch_barrier = false;      ///< IA32_PRED_CMD.IBPB
};

/// The area of the pCPU that asks. It exists once turn_on has succeeded there.
inline Area& this_area() {
    Area* area;
    asm volatile("mov %%gs:%c1, %0" : "=r"(area) : "i"(x86::engine_area_slot));
    return *area;
}

/// MSRs that a guest uses freely and that neither VM entry nor VM exit switches.
struct HandSwitched {
    u32 msr;
    u64 x86::CpuState::*place;
};
inline constexpr HandSwitched hand_switched[] = {
    {x86::IA32_STAR, &x86::CpuState::star},
    {x86::IA32_LSTAR, &x86::CpuState::lstar},
    {x86::IA32_CSTAR, &x86::CpuState::cstar},
    {x86::IA32_FMASK, &x86::CpuState::syscall_mask},
    {x86::IA32_KERNEL_GS_BASE, &x86::CpuState::kernel_gs_base},
};

/// What goes with one VMCS: copies of fields, so that they are written only when they change, and
/// the registers that change hands when another vCPU comes to the pCPU.
struct Companion {
    u64 host_rsp = 0;      ///< first: the world switch compares it with RSP
    u64 tsc_offset = 0;
    u32 pin = 0, primary = 0;
    bool timer_armed = false;  ///< the preemption timer counts while the guest runs
    bool delivering = false;   ///< the CPU delivers interrupts from the APIC page
    Mpa address{};         ///< its own frame
    u64 cr2 = 0, dr6 = 0xffff0ff0;
    u64 msrs[std::size(hand_switched)] = {};
};

inline Companion& companion(x86::VirtualCpu& vcpu) {
    return *static_cast<Companion*>(vcpu.control);
}

/// VirtualCpu::engine_bits.
enum EngineBits : u32 {
    bit_launched = 1u << 0,     ///< VMRESUME, not VMLAUNCH
    bit_queued = 1u << 1,       ///< an event is in the entry interruption information
    bit_nmi_waiting = 1u << 2,  ///< an NMI waits for the NMI window
};

/// Makes a vCPU's VMCS current for the length of a block, and clears it again, unless the vCPU has
/// arrived on this pCPU, where its VMCS is current anyway. One at a time: they do not nest.
class [[nodiscard]] Loaded {
public:
    explicit Loaded(x86::VirtualCpu& vcpu);
    ~Loaded();
    Loaded(const Loaded&) = delete;
    Loaded& operator=(const Loaded&) = delete;

    /// True when the vCPU has arrived here, so that the pCPU holds its hand-switched registers.
    bool arrived() const { return previous_ == &vcpu_; }

private:
    x86::VirtualCpu& vcpu_;
    x86::VirtualCpu* previous_;
};

/// Copies the hand-switched registers from the pCPU to the vCPU, or back. Bare metal only.
void save_by_hand(x86::VirtualCpu& vcpu);
void load_by_hand(x86::VirtualCpu& vcpu);

/// Turns virtual-interrupt delivery on or off in the current VMCS, as the vCPU asks; what waits in
/// its APIC page, and what is in service there, is carried over. Bare metal only.
void switch_delivery(x86::VirtualCpu& vcpu);

/// Writes the host's half of the current VMCS: what this pCPU is after an exit. Bare metal only.
void write_host_state();

}  // namespace hv::vmx

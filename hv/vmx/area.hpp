// What the engine keeps: an area for each pCPU, and a companion to each vCPU's VMCS.
#pragma once

#include <vmx/controls.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

/// One pCPU's area, four frames in one piece that turn_on takes.
struct Area : x86::EngineArea {
    Controls controls{};
    u32 revision = 0;                     ///< first in every region that the CPU is given
    x86::VirtualCpu* current = nullptr;   ///< whose VMCS is current here: it has arrived
    x86::VirtualCpu* resident = nullptr;  ///< whose hand-switched registers this pCPU still holds
    u32 timer_value = 0;                  ///< of the preemption timer: one millisecond
    u32 next_tag = 1;                     ///< the VPID that the next newcomer gets; 0 is the host's
    u32 generation = 1;                   ///< VPIDs given out before it are good no more
    bool has_branch_barrier = false;      ///< IA32_PRED_CMD.IBPB
    alignas(page_size) u8 vmxon_region[page_size] = {};  ///< the CPU's own
    u8 msr_bitmap[page_size] = {}, apic_msr_bitmap[page_size] = {};

    /// Which of the two a guest goes by, whose interrupts the CPU delivers or does not.
    u64 bitmap_address(bool delivering) const {
        return address_of(delivering ? apic_msr_bitmap : msr_bitmap).value;
    }
};
inline constexpr u8 area_order = 2;
static_assert(sizeof(Area) == page_size << area_order);

/// The area of the pCPU that asks. It exists once turn_on has succeeded there.
inline Area& this_area() { return x86::engine_area<Area>(); }

/// What goes with one VMCS, in the frame after it: copies of fields, so that they are written only
/// when they change, and the registers that change hands when another vCPU comes to the pCPU.
struct Companion {
    u64 host_rsp = 0;      ///< first: the world switch compares it with RSP
    u32 pin = 0, primary = 0;
    u64 interrupt_flag = x86::RFLAGS_IF;  ///< the guest's, at its last entry
    bool delivering = false;  ///< the CPU delivers interrupts from the APIC page
    x86::CpuState by_hand{};  ///< of these, CR2, DR6 and the MSRs that are switched by hand
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

    /// True when the vCPU has arrived here, so that the pCPU holds its hand-switched registers.
    bool arrived() const { return previous_ == &vcpu_; }

private:
    x86::VirtualCpu& vcpu_;
    x86::VirtualCpu* previous_;
};

/// Writes the host's half of the current VMCS: what this pCPU is again after each exit.
void write_host_state();

// state.cpp: operations for the pCPU where the vCPU has arrived, or any once it departed
void read_state(x86::VirtualCpu& vcpu, x86::CpuState& state);
Result<> write_state(x86::VirtualCpu& vcpu, const x86::CpuState& state);
x86::PagingState paging_state(x86::VirtualCpu& vcpu);
void set_instruction_pointer(x86::VirtualCpu& vcpu, u64 rip);

}  // namespace hv::vmx

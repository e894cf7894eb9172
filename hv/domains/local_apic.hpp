// A virtual CPU's local APIC: x2APIC and xAPIC registers, interrupts in order, and one timer.
#pragma once

#include <base/result.hpp>
#include <boot/time.hpp>

namespace hv {

struct Vcpu;

/// A timer that belongs to a vCPU.
struct VcpuTimer : Timer {
    VcpuTimer(Action what, Vcpu& owner) : Timer{what}, vcpu{owner} {}
    Vcpu& vcpu;
};

/// The local APIC of one vCPU. Its registers lie in a page of the architecture's layout (Intel SDM,
/// "The Local APIC Register Address Map"), which VMX can use as its virtual-APIC page.
class LocalApic {
public:
    static constexpr u64 bus_nanoseconds = 10;  ///< one tick of the timer's clock, as Xen has it
    static constexpr u64 page_address = 0xfee00000;

    explicit LocalApic(Vcpu& owner);

    Result<> open();                       ///< takes and resets the page
    void close();
    void reset();                          ///< as INIT leaves it: all but the base

    /// Sets `vector` pending in the IRR (edge-triggered), and notifies the vCPU. Any pCPU.
    void raise(u8 vector);
    /// The vector that could be delivered now given ISR and TPR, or -1. Does not look at RFLAGS.IF.
    int deliverable() { return requested_.load() ? choose() : -1; }
    /// Moves `vector` from IRR to ISR: it is being delivered.
    void accept(u8 vector);

    /// 0x800 to 0x8ff. XEN_EINVAL: raise #GP.
    Result<u64> read_msr(u32 msr);
    Result<> write_msr(u32 msr, u64 value);
    u64 base() const { return base_; }     ///< IA32_APIC_BASE
    Result<> set_base(u64 value);

    u32 read_register(u32 offset);         ///< by its offset in the xAPIC page
    void write_register(u32 offset, u32 value);
    void written(u32 offset);              ///< the CPU already wrote it to the page: act on it

    bool x2apic() const { return base_ & 1 << 10; }
    bool enabled() const { return base_ & 1 << 11; }
    u32 id() const;
    void cancel_timer();

    const u8* page() const { return page_; }

private:
    static void timer_expired(Timer& timer, Cpu& cpu);

    u32& at(u32 offset) { return *reinterpret_cast<u32*>(page_ + offset); }
    u32 at(u32 offset) const { return *reinterpret_cast<const u32*>(page_ + offset); }
    int choose();
    int highest(u32 first_offset) const;
    void end_of_interrupt();
    void choose_deliverer();
    void send(u64 command);
    void arm_timer(u32 initial_count);
    u32 current_count() const;
    u64 timer_tick_ns() const;

    Vcpu& owner_;
    u8* page_ = nullptr;
    std::atomic<bool> requested_{false};   ///< false: the IRR is empty
    u64 base_ = 0;
    VcpuTimer timer_;
    u64 timer_started_ = 0;                ///< machine time, ns
    u64 timer_length_ = 0;                 ///< ns; 0: not counting
};

}  // namespace hv

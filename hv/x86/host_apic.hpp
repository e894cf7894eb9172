// The machine's own interrupt controllers: the local APIC of each pCPU, and the I/O APIC.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// Registers of the local APIC by their xAPIC offsets: "Local APIC Register Address Map".
enum ApicRegister : u16 {
    APIC_ID = 0x20,
    APIC_TPR = 0x80,
    APIC_EOI = 0xb0,
    APIC_SVR = 0xf0,
    APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380, APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

/// The local APIC of the pCPU that calls. One object serves all pCPUs: it only knows the mode.
class HostApic {
public:
    /// Takes the mode that the boot pCPU is in. `window` is where the xAPIC's page is mapped.
    void find(u64 window);
    /// Enables this pCPU's APIC, in the boot pCPU's mode, every local source masked.
    void turn_on(u8 spurious_vector);

    u32 id() const;
    bool x2apic() const { return x2apic_; }
    void end_of_interrupt() { write(APIC_EOI, 0); }

    /// Interrupts another pCPU (or this one).
    void send(u32 apic_id, u8 vector) { command(apic_id, 0x4000u | vector); }
    void send_nmi(u32 apic_id) { command(apic_id, 0x4400); }
    void send_init(u32 apic_id) { command(apic_id, 0x4500); }
    /// Starts a pCPU that waits for it, in real mode at `page` * 4096.
    void send_startup(u32 apic_id, u8 page) { command(apic_id, 0x4600u | page); }

    /// Makes the timer count down `count` (0 stops it), at the undivided rate, over and over: an
    /// interrupt that the machine loses comes again. QEMU loses one when it arrives just as a
    /// guest exits.
    void start_timer(u32 count) { write(APIC_TIMER_INITIAL, count); }
    u32 timer_left() const { return read(APIC_TIMER_CURRENT); }
    /// Which vector the timer raises, and whether it goes by IA32_TSC_DEADLINE.
    void set_timer(u8 vector, bool by_tsc_deadline);

private:
    u32 read(ApicRegister which) const;
    void write(ApicRegister which, u32 value);
    void command(u32 apic_id, u32 what);

    bool x2apic_ = false;
    volatile u32* registers_ = nullptr;
};

/// The machine's first I/O APIC: "I/O Advanced Programmable Interrupt Controller" datasheet.
class IoApic {
public:
    /// `window` is where its page is mapped.
    explicit IoApic(u64 window) : registers_{reinterpret_cast<volatile u32*>(window)} {}

    u8 inputs() { return static_cast<u8>((read(1) >> 16 & 0xff) + 1); }
    /// Edge-triggered, active high, to one pCPU.
    void route(u8 input, u8 vector, u32 apic_id) {
        write(redirection + 2u * input + 1, apic_id << 24);
        write(redirection + 2u * input, vector);
    }
    void mask(u8 input) { write(redirection + 2u * input, masked); }

private:
    static constexpr u32 redirection = 0x10, masked = 1 << 16;

    // Two registers show all others: which one, and its value
    u32 read(u32 which) {
        registers_[0] = which;
        return registers_[4];
    }
    void write(u32 which, u32 value) {
        registers_[0] = which;
        registers_[4] = value;
    }

    volatile u32* registers_;
};

}  // namespace hv::x86

// Filling in what makes a guest exit.
#include <algorithm>
#include <svm/capabilities.hpp>
#include <svm/intercepts.hpp>
#include <x86/bits.hpp>

namespace hv::svm {
namespace {

/// Clears the two bits of `msr`, one for reading and one for writing. Three ranges of 0x2000 MSRs
/// follow each other. Source: AMD64 APM volume 2, "MSR Intercepts".
void pass_through(std::span<u8, msr_map_bytes> map, u32 msr) {
    const size_t range = msr < 0xc0000000 ? 0 : msr < 0xc0010000 ? 1 : 2;
    const size_t bit = (range * 0x2000 + msr % 0x2000) * 2;
    map[bit / 8] &= static_cast<u8>(~(3u << bit % 8));
}

}  // namespace

void fill_io_map(std::span<u8, io_map_bytes> map) { std::fill(map.begin(), map.end(), u8{0xff}); }

void fill_msr_map(std::span<u8, msr_map_bytes> map) {
    std::fill(map.begin(), map.end(), u8{0xff});
    for (const u32 msr : switched_msrs)
        pass_through(map, msr);
}

void set_intercepts(ControlArea& control, u32 features) {
    // The machine's own events: they are the host's to take
    control.intercepts_1 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SMI | INTERCEPT_INIT;
    control.intercept_exceptions = 1u << x86::EXCEPTION_MC;

    // What policy answers, and what ends or suspends a guest
    control.intercepts_1 |= INTERCEPT_CPUID | INTERCEPT_IOIO_PROT | INTERCEPT_MSR_PROT |
                            INTERCEPT_HLT | INTERCEPT_INVD | INTERCEPT_SHUTDOWN;
    control.intercepts_2 = INTERCEPT_VMMCALL | INTERCEPT_WBINVD | INTERCEPT_XSETBV;

    // Instructions that our guests' CPU does not have
    control.intercepts_1 |= INTERCEPT_RDPMC | INTERCEPT_INVLPGA;
    control.intercepts_2 |= INTERCEPT_VMRUN | INTERCEPT_VMLOAD | INTERCEPT_VMSAVE | INTERCEPT_STGI |
                            INTERCEPT_CLGI | INTERCEPT_SKINIT | INTERCEPT_MONITOR |
                            INTERCEPT_MWAIT | INTERCEPT_MWAIT_CONDITIONAL | INTERCEPT_RDPRU;

    // Exceptions whose delivery can raise themselves for ever, with no exit in between
    control.intercept_exceptions |= 1u << x86::EXCEPTION_DB | 1u << x86::EXCEPTION_AC;

    // The interrupt window, open as soon as V_IRQ is set whatever CR8 says; and CR8 itself
    control.intercepts_1 |= INTERCEPT_VINTR;
    control.v_intr_priority = V_IGN_TPR;
    control.v_intr_masking = V_INTR_MASKING;
    control.intercept_cr_writes = 1u << 8;

    // A guest that spins, where the CPU can count: an exit at every PAUSE would cost more
    if (features & SVM_PAUSE_FILTER) {
        control.intercepts_1 |= INTERCEPT_PAUSE;
        control.pause_filter_count = 3000;
    }
}

}  // namespace hv::svm

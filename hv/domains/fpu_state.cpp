// Which vector states a guest may switch on. Intel SDM volume 1, "Enabling the XSAVE Feature Set".
#include <domains/fpu_state.hpp>
#include <x86/bits.hpp>
#include <x86/privileged.hpp>

namespace hv {

bool FpuState::set_xcr0(u64 wish, u64 allowed) {
    constexpr u64 avx512 = x86::XCR0_OPMASK | x86::XCR0_ZMM_Hi256 | x86::XCR0_Hi16_ZMM;
    const bool without_ground =
        !(wish & x86::XCR0_X87) || (wish & x86::XCR0_AVX && !(wish & x86::XCR0_SSE));
    const bool torn = wish & avx512 && ((wish & avx512) != avx512 || !(wish & x86::XCR0_AVX));
    if (without_ground || torn || (wish & ~allowed) != 0)
        return false;
    xcr0_ = wish;
    x86::write_xcr0(wish);
    return true;
}

}  // namespace hv

// Asking for the exits that the engine knows the meaning of.
#include <svm/controls.hpp>
#include <svm/exits.hpp>

namespace hv::svm {

void set_intercepts(ControlArea& control, u32 features) {
    for (u32 code = 0; code < meanings.size(); ++code)
        intercept(control, code, meanings[code].kind != Kind::unhandled);

    // The interrupt window is open as soon as V_IRQ is set, whatever CR8 says
    control.v_intr_priority = V_IGN_TPR;
    control.v_intr_masking = V_INTR_MASKING;

    // A guest that spins, where the CPU can count: an exit at every PAUSE would cost more
    const bool counts = features & SVM_PAUSE_FILTER;
    intercept(control, VMEXIT_PAUSE, counts);
    control.pause_filter_count = counts ? 3000 : 0;
}

}  // namespace hv::svm

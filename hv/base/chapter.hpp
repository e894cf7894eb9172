// The chapters, in their one order, and the slots that each may furnish.
#pragma once

#include <array>
#include <base/order.hpp>
#include <base/types.hpp>

namespace hv {

/// Typed slots, one for each chapter. A chapter that wants a domain (a vCPU, a pCPU, the machine)
/// to own something declares a class P with `static constexpr Chapter chapter`, and furnishes it.
/// The slot's index is known to the compiler: a part is one load away.
class Parts {
public:
    /// The part that P's chapter furnished. It must have been furnished.
    template <class P>
    P& get() const {
        return *static_cast<P*>(slots_[static_cast<size_t>(P::chapter)]);
    }

    /// The same, or nullptr while the chapter has furnished nothing here.
    template <class P>
    P* find() const {
        return static_cast<P*>(slots_[static_cast<size_t>(P::chapter)]);
    }

    /// Fills P's slot, or empties it with nullptr. The chapter keeps the part's lifetime.
    template <class P>
    void furnish(P* part) {
        slots_[static_cast<size_t>(P::chapter)] = part;
    }

private:
    std::array<void*, chapter_count> slots_{};
};

}  // namespace hv

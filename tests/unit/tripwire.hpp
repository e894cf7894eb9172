// A wire across a page: when it is next written to, something else happens first.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <sys/mman.h>
#include <utility>

namespace hv::test {

/// Lets a test come between two steps of the code that it tests. One at a time.
class Tripwire {
public:
    Tripwire() {
        here_ = this;
        struct sigaction tripped{};
        tripped.sa_sigaction = trip;
        tripped.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaction(SIGSEGV, &tripped, &before_);
    }
    ~Tripwire() {
        take_away();
        sigaction(SIGSEGV, &before_, nullptr);
        here_ = nullptr;
    }
    Tripwire(const Tripwire&) = delete;

    /// Before the next write to the page of `place`, on the thread that is about to write, `act`
    /// runs, once; it may lay the wire anew. The rest of the page must be of no use till then.
    void lay(const void* place, std::function<void()> act) {
        page_ = reinterpret_cast<std::uintptr_t>(place) & ~(page - 1);
        act_ = std::move(act);
        mprotect(reinterpret_cast<void*>(page_), page, PROT_READ);
    }
    /// Whether it was written to.
    bool is_tripped() const { return page_ == 0; }

private:
    static constexpr std::uintptr_t page = 4096;

    void take_away() {
        if (page_ != 0)
            mprotect(reinterpret_cast<void*>(page_), page, PROT_READ | PROT_WRITE);
        page_ = 0;
    }
    static void trip(int, siginfo_t* fault, void*) {
        const auto at = reinterpret_cast<std::uintptr_t>(fault->si_addr);
        if (at - here_->page_ >= page)
            return static_cast<void>(std::signal(SIGSEGV, SIG_DFL));  // a fault of another kind
        here_->take_away();
        std::exchange(here_->act_, {})();
    }

    static inline Tripwire* here_ = nullptr;
    std::uintptr_t page_ = 0;
    std::function<void()> act_;
    struct sigaction before_{};
};

}  // namespace hv::test

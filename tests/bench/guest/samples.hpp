// What one operation costs: its samples, and the line that tells median and 99th percentile.
#pragma once

#include <algorithm>
#include <array>
#include <kit/print.hpp>

namespace bench {

using namespace kit;

/// The TSC as it stands: under `-icount shift=0`, and in Bochs, the instructions done so far.
inline u64 ticks() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return u64{high} << 32 | low;
}

/// The samples of one operation.
class Samples {
public:
    static constexpr size_t capacity = 1000;

    /// Begins with the operation `name`; false when `only=…` on the command line names another.
    bool begin(std::string_view name);
    /// How often to do it: `times=…` on the command line may ask for less than is usual.
    static size_t times(size_t usual);

    void add(u64 sample) {
        if (count_ < capacity) samples_[count_++] = sample;
    }

    /// Keeps what this operation has cost; `floor` is what measuring itself costs.
    void keep(u64 floor);

    /// Prints everything that was kept: once nothing is measured any more.
    static void tell();

    u64 median() { return at(50); }

private:
    u64 at(size_t percent) {
        std::sort(samples_.begin(), samples_.begin() + count_);
        return count_ == 0 ? 0 : samples_[count_ * percent / 100];
    }
    std::string_view name_;
    size_t count_ = 0;
    std::array<u64, capacity> samples_{};
};

/// The one set of samples that all operations fill in turn.
Samples& samples();

/// Measures `operation` `count` times; `before` and `after` each one are not counted.
template <class Before, class Operation, class After>
void measure(std::string_view name, size_t count, Before before, Operation operation, After after) {
    constexpr u64 two_readings = 2;
    if (!samples().begin(name)) return;
    for (size_t i = Samples::times(count); i > 0; i--) {
        before();
        const u64 start = ticks();
        operation();
        const u64 end = ticks();
        after();
        samples().add(end - start);
    }
    samples().keep(two_readings);
}

template <class Operation> void measure(std::string_view name, Operation operation) {
    measure(name, Samples::capacity, [] {}, operation, [] {});
}

}  // namespace bench

// Results wait here until the last operation is measured: printing would disturb what follows.
#include "samples.hpp"

#include <kit/guest.hpp>

/// Where a trace of the emulator's finds the first and the last instruction of an operation.
extern "C" [[gnu::noinline]] void meter_begins() { asm volatile("nop"); }
extern "C" [[gnu::noinline]] void meter_ends() { asm volatile("nop"); }

namespace bench {
namespace {

struct Kept {
    std::string_view name;
    u64 median, high;
    size_t count;
};

constinit Samples the_samples;
constinit std::array<Kept, 32> kept{};
constinit size_t kept_count = 0;

}  // namespace

Samples& samples() { return the_samples; }

bool Samples::begin(std::string_view name) {
    const std::string_view only = guest().option("only");
    if (!only.empty() && only != name) return false;
    name_ = name;
    count_ = 0;
    meter_begins();
    return true;
}

size_t Samples::times(size_t usual) {
    size_t wish = 0;
    for (char digit : guest().option("times"))
        wish = wish * 10 + size_t(digit - '0');
    return wish != 0 && wish < usual ? wish : usual;
}

void Samples::keep(u64 floor) {
    meter_ends();
    for (size_t i = 0; i < count_; i++)
        samples_[i] -= floor;
    kept[kept_count++ % kept.size()] = {name_, at(50), at(99), count_};
}

void Samples::tell() {
    for (size_t i = 0; i < kept_count; i++)
        print("meter: {} median {} p99 {} of {}\n", kept[i].name, kept[i].median, kept[i].high,
              kept[i].count);
}

}  // namespace bench

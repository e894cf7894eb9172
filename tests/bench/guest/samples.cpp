// Results wait here until the last operation is measured: printing would disturb what follows.
#include "samples.hpp"

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

void Samples::keep(std::string_view name, u64 floor) {
    for (size_t i = 0; i < count_; i++)
        samples_[i] -= floor;
    kept[kept_count++ % kept.size()] = {name, at(50), at(99), count_};
}

void Samples::tell() {
    for (size_t i = 0; i < kept_count; i++)
        print("meter: {} median {} p99 {} of {}\n", kept[i].name, kept[i].median, kept[i].high,
              kept[i].count);
}

}  // namespace bench

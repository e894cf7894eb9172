// Asks two pCPUs in turn what time it is; their counters started 2.5 microseconds apart.
#include <boot/time.hpp>
#include <cstdio>

namespace {

using namespace hv;

/// Two counters of one rate, read by code that takes a while between two readings.
struct TwoCounters {
    static constexpr s64 apart = 5'000;
    u64 ticks = 1'000'000'000;

    u64 read(unsigned cpu) {
        ticks += 180;
        return ticks + (cpu == 1 ? static_cast<u64>(apart) : 0);
    }
};

/// Eight rounds, as when a pCPU wakes: asked, answered over there, and the answer seen here.
s64 measure(TwoCounters& counters) {
    std::array<boot::SkewRound, 8> rounds;
    for (boot::SkewRound& round : rounds) {
        round.asked = counters.read(0);
        round.other = counters.read(1);
        round.answered = counters.read(0);
    }
    return boot::skew_of(rounds);
}

void tell(const char* design, s64 skew) {
    TwoCounters counters;
    unsigned backwards = 0;
    u64 last = 0;
    for (unsigned reading = 0; reading < 1000; ++reading) {
        const unsigned cpu = reading % 2;
        const u64 now = counters.read(cpu) - (cpu == 1 ? static_cast<u64>(skew) : 0);
        backwards += now < last;
        last = now;
    }
    std::printf("%s, readings: 1000\n", design);
    std::printf("%s, of these before the one before: %u\n", design, backwards);
}

}  // namespace

int main() {
    TwoCounters counters;
    const s64 skew = measure(counters);
    tell("each by its own counter", 0);
    std::printf("skew measured in 8 rounds, ticks: %lld\n", static_cast<long long>(skew));
    tell("less the skew", skew);
}

// The shootdown: announce, raise, kick, and see each pCPU out.
#include <domains/household.hpp>
#include <domains/shootdown.hpp>
#include <x86/privileged.hpp>

namespace hv {

u64 announce_entry(Whereabouts& here, Domain& domain) {
    // First say where we go, then read the generation: whoever raises it between the two sees us
    here.entered_with.store(domain.p2m.generation(), std::memory_order_relaxed);
    here.inside.store(&domain, std::memory_order_seq_cst);
    const u64 generation = domain.p2m.generation();
    here.entered_with.store(generation, std::memory_order_release);
    return generation;
}

void shoot_down(Domain& domain) {
    domain.p2m.raise_generation();
    const u64 wanted = domain.p2m.generation();
    Machine& machine = domain.machine;
    for (u16 number = 0; number < machine.cpu_count; ++number) {
        Whereabouts& there = whereabouts(*machine.cpus[number]);
        const auto still_old = [&] {
            return there.inside.load(std::memory_order_seq_cst) == &domain &&
                   there.entered_with.load(std::memory_order_acquire) < wanted;
        };
        if (!still_old())
            continue;
        kick(*machine.cpus[number], ask_shootdown);
        while (still_old())
            x86::pause();
    }
}

}  // namespace hv

// Holding a domain still while its vCPUs are looked at or changed.
#pragma once

#include <domains/household.hpp>

namespace hv {

/// While it lives, no vCPU of the domain runs. Making one waits until each has left its pCPU, which
/// a kick makes short. For a call of the privileged domain about another: two that waited for each
/// other would wait for ever.
class [[nodiscard]] Stillness {
public:
    Stillness(Cpu& cpu, Domain& domain) : domain_{domain} {
        pause(domain);
        while (!stands_still(domain))
            (void)wanted_elsewhere(cpu);  // our own interrupts come in while we wait
    }
    ~Stillness() { (void)unpause(domain_).ok(); }
    Stillness(const Stillness&) = delete;
    Stillness& operator=(const Stillness&) = delete;

private:
    Domain& domain_;
};

}  // namespace hv

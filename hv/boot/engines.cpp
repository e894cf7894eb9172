// Choosing the engine: VMX or SVM, whichever this processor has.
#include <boot/engines.hpp>
#include <boot/trace.hpp>
#if HV_THROUGH >= HV_DOMAINS
#include <svm/svm.hpp>
#include <vmx/vmx.hpp>
#include <x86/cpuid.hpp>
#endif

namespace hv::boot {

#if HV_THROUGH < HV_DOMAINS

Result<> choose_engine(Machine&, Cpu&) { return {}; }

#else

Result<> choose_engine(Machine& machine, Cpu& cpu) {
    static constexpr const x86::EngineOperations* engines[] = {&vmx::operations, &svm::operations};
    std::array<const char*, std::size(engines)> refusals{};
    for (size_t i = 0; i < std::size(engines); ++i) {
        const auto capabilities = engines[i]->probe(&refusals[i]);
        if (!capabilities)
            continue;
        machine.engine = engines[i];
        machine.capabilities = *capabilities;
        print(machine.console, "My engine is {}.\n", engines[i]->name);
        tell(cpu, engine_found, owner_hypervisor, i, capabilities->tags,
             capabilities->superpage_1g ? 18 : capabilities->superpage_2m ? 9 : 0);
        return {};
    }
    // The engine that this processor's maker builds for says what it misses
    const bool intel = x86::cpuid(0).ebx == 0x756e6547;  // "Genu"
    machine.refusal.write(refusals[intel ? 0 : 1]);
    return Error{XEN_ENODEV};
}

#endif

}  // namespace hv::boot

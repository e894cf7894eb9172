// What the first chapter plugs into the machine: an engine, VMX or SVM, whichever is here.
#include <boot/start.hpp>
#if HV_THROUGH >= HV_DOMAINS
#include <svm/svm.hpp>
#include <vmx/vmx.hpp>
#include <x86/privileged.hpp>
#endif

namespace hv::boot {
namespace {

#if HV_THROUGH >= HV_DOMAINS
/// Asks each engine whether it can run here, and sets machine.engine and its capabilities.
/// XEN_ENODEV, with machine.refusal, when none can.
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
#else
// A build that ends with this chapter has no engines, and needs none
constexpr decltype(Plug::open) choose_engine = nullptr;
#endif

}  // namespace

constinit const Plug plug{
    .chapter = Chapter::boot,
    .title = "Boot",
    .events = events,
    .open = choose_engine,
    .open_cpu = nullptr,
};

}  // namespace hv::boot

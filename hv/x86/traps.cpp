// Traps: the name of each exception, as the manuals' tables have it.
#include <array>
#include <x86/traps.hpp>

namespace hv::x86 {

std::string_view exception_name(u64 vector) {
    static constexpr std::array<std::string_view, 22> names{
        "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow",
        "#BR bound range exceeded", "#UD invalid opcode", "#NM no x87 device", "#DF double fault",
        "coprocessor segment overrun", "#TS invalid TSS", "#NP segment not present",
        "#SS stack fault", "#GP general protection", "#PF page fault", "reserved",
        "#MF x87 error", "#AC alignment check", "#MC machine check", "#XM SIMD error",
        "#VE virtualization", "#CP control protection"};
    return vector < names.size() ? names[vector] : std::string_view{};
}

}  // namespace hv::x86

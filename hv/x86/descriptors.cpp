// Descriptor tables: how they are filled and loaded; and what each exception is called.
#include <x86/bits.hpp>
#include <x86/descriptors.hpp>
#include <x86/privileged.hpp>

namespace hv::x86 {

constexpr u8 interrupt_gate = 0x8e;  // present, DPL 0, interrupts off on entry
constexpr u64 available_tss = 0x89ull << 40;

void CpuTables::load() {
    // The TSS descriptor takes two slots: its base is 64 bits wide
    const u64 base = reinterpret_cast<u64>(&tss);
    gdt[3] = (sizeof tss - 1) | (base & 0xffffff) << 16 | available_tss | (base >> 24 & 0xff) << 56;
    gdt[4] = base >> 32;

    load_gdt({sizeof gdt - 1, reinterpret_cast<u64>(gdt.data())});
    asm volatile("pushq %0\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:" ::"i"(code_selector) : "rax", "memory");
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" ::"r"(u32{data_selector}));
    asm volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    asm volatile("ltr %0" ::"r"(tss_selector));
}

void InterruptTable::fill() {
    for (unsigned vector = 0; vector < gates.size(); ++vector) {
        const u64 stub = reinterpret_cast<u64>(trap_stubs) + vector * trap_stub_size;
        gates[vector] = {static_cast<u16>(stub), code_selector, 0, interrupt_gate,
                         static_cast<u16>(stub >> 16), static_cast<u32>(stub >> 32), 0};
    }
    gates[EXCEPTION_NMI].stack = 1;
    gates[EXCEPTION_DF].stack = 2;
    gates[EXCEPTION_MC].stack = 3;
}

void InterruptTable::load() const {
    load_idt({sizeof gates - 1, reinterpret_cast<u64>(gates.data())});
}

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

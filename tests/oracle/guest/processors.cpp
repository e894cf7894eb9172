// A second vCPU: told where to start, brought up, heard, sent down, brought up again.
#include "ask.hpp"
#include "places.hpp"

#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/heap.hpp>
#include <xen/hvm/hvm_vcpu.h>

namespace oracle {
namespace {

constinit volatile u32 alive = 0, leave = 0;

long vcpu(u32 command, const void* argument = nullptr) {
    return hypercall(__HYPERVISOR_vcpu_op, command, 1, address(argument));
}

/// What the second vCPU runs: says that it lives, until it is told to go.
[[noreturn]] void second_vcpu() {
    for (;;) {
        alive = alive + 1;
        while (leave == 0)
            pause();
        leave = 0;
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0);
    }
}

u64 control_register(unsigned number) {
    u64 value;
    if (number == 0)
        asm("mov %%cr0, %0" : "=r"(value));
    else if (number == 3)
        asm("mov %%cr3, %0" : "=r"(value));
    else
        asm("mov %%cr4, %0" : "=r"(value));
    return value;
}

/// A vCPU as this one is: 64-bit code, the same page tables, a stack of its own.
vcpu_hvm_context wide_context() {
    constexpr u64 efer_lma_lme = 0x500;
    vcpu_hvm_context context = {};
    context.mode = VCPU_HVM_MODE_64B;
    auto& cpu = context.cpu_regs.x86_64;
    cpu.rip = reinterpret_cast<u64>(second_vcpu);
    cpu.rsp = address(take_pages(4)) + 4 * page_size - 8;
    cpu.rflags = 2;
    cpu.cr0 = control_register(0);
    cpu.cr3 = control_register(3);
    cpu.cr4 = control_register(4);
    cpu.efer = efer_lma_lme;
    return context;
}

template <class Done> bool within_a_second(Done done) {
    const u64 end = now_ns() + 1'000'000'000;
    while (!done() && now_ns() < end)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    return done();
}

/// Start states that no vCPU can have.
void ask_wrong_contexts() {
    struct Case {
        std::string_view name;
        void (*spoil)(vcpu_hvm_context& context);
    };
    constexpr Case cases[] = {
        {"mode 2", [](auto& c) { c.mode = 2; }},
        {"mode of all ones", [](auto& c) { c.mode = ~0u; }},
        {"64 bits without PG", [](auto& c) { c.cpu_regs.x86_64.cr0 = 0x33; }},
        {"64 bits without PAE", [](auto& c) { c.cpu_regs.x86_64.cr4 = 0x600; }},
        {"64 bits without LME", [](auto& c) { c.cpu_regs.x86_64.efer = 0; }},
        {"64 bits, EFER with SVME", [](auto& c) { c.cpu_regs.x86_64.efer = 0x1500; }},
        {"64 bits, CR4 with bit 31", [](auto& c) { c.cpu_regs.x86_64.cr4 = 0x80000620; }},
        {"64 bits, CR3 above", [](auto& c) { c.cpu_regs.x86_64.cr3 = 1ull << 60; }},
        {"64 bits, RIP not canonical", [](auto& c) { c.cpu_regs.x86_64.rip = 1ull << 63; }},
    };
    for (const auto& [name, spoil] : cases) {
        vcpu_hvm_context context = wide_context();
        spoil(context);
        tell("processors.initialise", name, vcpu(VCPUOP_initialise, &context));
    }
    struct Narrow {
        std::string_view name;
        u32 cs, ss, ds, tr, limit;
    };
    for (const auto& [name, cs, ss, ds, tr, limit] :
         {Narrow{"CS absent", 0x40b, 0xc93, 0xc93, 0x8b, ~0u},
          {"CS no code", 0xc93, 0xc93, 0xc93, 0x8b, ~0u},
          {"SS is code", 0xc9b, 0xc9b, 0xc93, 0x8b, ~0u},
          {"DS is a system segment", 0xc9b, 0xc93, 0x80, 0x8b, ~0u},
          {"TR is no task segment", 0xc9b, 0xc93, 0xc93, 0x93, ~0u},
          {"EIP beyond the limit", 0xc9b, 0xc93, 0xc93, 0x8b, 1}}) {
        vcpu_hvm_context context = {};
        context.mode = VCPU_HVM_MODE_32B;
        auto& cpu = context.cpu_regs.x86_32;
        cpu.cr0 = 0x11;
        cpu.eip = 0x100000;
        cpu.cs_ar = u16(cs);
        cpu.ss_ar = u16(ss);
        cpu.ds_ar = cpu.es_ar = u16(ds);
        cpu.tr_ar = u16(tr);
        cpu.cs_limit = limit;
        cpu.ss_limit = cpu.ds_limit = cpu.es_limit = ~0u;
        cpu.tr_limit = 0x67;
        tell("processors.initialise: 32 bits", name, vcpu(VCPUOP_initialise, &context));
    }
}

}  // namespace

void ask_processors() {
    if (!clock_init().ok()) return;
    ask_wrong_contexts();
    tell("processors.is up: before", vcpu(VCPUOP_is_up));
    const vcpu_hvm_context context = wide_context();
    const long told = vcpu(VCPUOP_initialise, &context);
    tell("processors.initialise", told);
    tell("processors.initialise again", vcpu(VCPUOP_initialise, &context));
    tell("processors.is up: initialised", vcpu(VCPUOP_is_up));
    if (told != 0) return;
    tell("processors.up", vcpu(VCPUOP_up));
    tell("processors.is up: up", vcpu(VCPUOP_is_up));
    tell("processors.it runs", within_a_second([] { return alive == 1; }));
    tell("processors.initialise while up", vcpu(VCPUOP_initialise, &context));
    tell("processors.up again", vcpu(VCPUOP_up));
    vcpu_runstate_info info = {};
    (void)vcpu(VCPUOP_get_runstate_info, &info);
    tell("processors.runstate: has run", info.time[RUNSTATE_running] > 0);
    leave = 1;
    tell("processors.it goes down", within_a_second([] { return vcpu(VCPUOP_is_up) == 0; }));
    (void)vcpu(VCPUOP_get_runstate_info, &info);
    tell("processors.runstate: down", info.state);
    tell("processors.initialise while down", vcpu(VCPUOP_initialise, &context));
    tell("processors.up once more", vcpu(VCPUOP_up));
    tell("processors.it goes on", within_a_second([] { return alive == 2; }));
    tell("processors.down, from outside", vcpu(VCPUOP_down));
    tell("processors.is up: sent down", vcpu(VCPUOP_is_up));
}

}  // namespace oracle

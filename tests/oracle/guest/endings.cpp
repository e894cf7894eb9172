// The ways in which a domain ends, each in a life of its own: dom0 says what it saw.
#include "ask.hpp"

#include <kit/cpu.hpp>

namespace oracle {
namespace {

struct Ending {
    std::string_view name;
    void (*run)();
};

long shut_down_with(u32 reason) {
    sched_shutdown argument = {reason};
    return hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, address(&argument));
}

void set_parameter(u32 index, u64 value) {
    xen_hvm_param argument = {DOMID_SELF, 0, index, value};
    tell("endings.parameter", hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, address(&argument)));
}

void note_reason(u32 reason) {
    sched_shutdown argument = {reason};
    tell("endings.note",
         hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, address(&argument)));
}

/// An exception with no table: the second fault finds none either, nor does the third.
void triple_fault() {
    struct [[gnu::packed]] {
        u16 limit;
        u64 base;
    } nothing = {0, 0};
    asm volatile("lidt %0; ud2" : : "m"(nothing));
}

void run_out_watchdog() {
    sched_watchdog argument = {0, 1};
    if (hypercall(__HYPERVISOR_sched_op, SCHEDOP_watchdog, address(&argument)) < 0) return;
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

void jump_to_nothing() { reinterpret_cast<void (*)()>(0xc0000000)(); }

void remove_own_code() {
    xen_remove_from_physmap wish = {DOMID_SELF, reinterpret_cast<u64>(remove_own_code) >> 12};
    hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, address(&wish));
}

// The runner reads this table: one line for each way
constexpr Ending endings[] = {
    {"poweroff", [] { shut_down_with(SHUTDOWN_poweroff); }},
    {"reboot", [] { shut_down_with(SHUTDOWN_reboot); }},
    {"suspend", [] { shut_down_with(SHUTDOWN_suspend); }},
    {"crash", [] { shut_down_with(SHUTDOWN_crash); }},
    {"watchdog", [] { shut_down_with(SHUTDOWN_watchdog); }},
    {"soft-reset", [] { shut_down_with(SHUTDOWN_soft_reset); }},
    {"reason-6", [] { tell("endings.reason 6", shut_down_with(6)); }},
    {"reason-255", [] { tell("endings.reason 255", shut_down_with(255)); }},
    {"reason-257", [] { tell("endings.reason 257", shut_down_with(257)); }},
    {"noted-crash", [] { note_reason(SHUTDOWN_crash); shut_down_with(SHUTDOWN_poweroff); }},
    {"triple-fault", triple_fault},
    {"halt", [] { halt_forever(); }},
    {"last-vcpu-down", [] { hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 0, 0); }},
    {"watchdog-barks", run_out_watchdog},
    {"task-segment", [] { set_parameter(HVM_PARAM_VM86_TSS, ~0ull); }},
    {"jump-to-nothing", jump_to_nothing},
    {"no-code", remove_own_code},
};

}  // namespace

void end_by(std::string_view how) {
    for (const Ending& ending : endings)
        if (ending.name == how) ending.run();
    tell(words("endings.{}", how).view(), "still here", true);
}

}  // namespace oracle

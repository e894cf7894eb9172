// wicked: a guest that does one wrong thing, chosen by its command line. It may cost only itself.
#include <kit/apic.hpp>
#include <kit/cpu.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>
#include <kit/traps.hpp>

using namespace kit;

namespace {

/// An exception with no interrupt table: the second fault finds none either, nor does the third.
void triple_fault() {
    struct [[gnu::packed]] {
        u16 limit;
        u64 base;
    } nothing = {0, 0};
    asm volatile("lidt %0; ud2" : : "m"(nothing));
}

void spin() {
    interrupts_off();
    for (;;)
        pause();
}

/// As spin(), and without an instruction that might cause an exit.
void compute() {
    interrupts_off();
    for (;;)
        asm volatile("");
}

void halt() { halt_forever(); }

/// Reads of what is not there give ones; writes vanish.
void touch_unmapped() {
    constexpr u64 places[] = {0xc0000000, 0xe0001000, 0xf0000000, 0xfed00000, 0xffffff00};
    for (u64 place : places) {
        auto* word = reinterpret_cast<volatile u32*>(place);
        *word = 0x12345678;
        print("wicked: {:x} reads {:x}\n", place, u32{*word});
    }
}

/// Xen's page has an invalid opcode where a call makes no sense for us: return from there at once.
void leave_stub(TrapFrame& frame) {
    frame.rax = ~0ull;
    frame.rip = *reinterpret_cast<u64*>(frame.rsp);
    frame.rsp += 8;
}

/// Each hypercall number with arguments that mean nothing. Some must answer; none may do harm.
void call_everything() {
    constexpr u8 invalid_opcode_vector = 6;
    on_trap(invalid_opcode_vector, leave_stub);
    constexpr u64 garbage[] = {0, ~0ull, 0xdeadbeef, 0x8000000000000000, 0xfffffffffffff000};
    for (u32 number = 0; number < 64; number++) {
        // Understood, these put a vCPU to sleep or end it: no fault of theirs.
        bool may_block = number == __HYPERVISOR_sched_op || number == __HYPERVISOR_sched_op_compat;
        for (u64 value : garbage) {
            if (may_block && value < 16) continue;
            long answer = hypercall(number, value, value, value, value, value);
            if (answer > 0) print("wicked: hypercall {} gave {:x}\n", number, u64(answer));
        }
    }
}

/// Words without end, and zeros among them.
void flood() {
    constexpr std::string_view zeros{"\0\0", 2};
    for (u64 line = 0;; line++)
        print("wicked: line {}{}\n", line, zeros);
}

void invalid_opcode() { asm volatile("ud2"); }

struct Deed {
    std::string_view name;
    void (*run)();
};

constexpr Deed deeds[] = {
    {"triple", triple_fault},
    {"spin", spin},
    {"compute", compute},
    {"halt", halt},
    {"unmapped", touch_unmapped},
    {"hypercalls", call_everything},
    {"opcode", invalid_opcode},
    {"flood", flood},
};

}  // namespace

/// Option on the command line: `do=triple|spin|halt|unmapped|hypercalls|opcode|flood`.
void guest_main() {
    auto wanted = guest().option("do");
    for (auto& deed : deeds) {
        if (deed.name != wanted) continue;
        print("wicked: {}\n", deed.name);
        deed.run();
        print("wicked: and I am still here\n");
        return;
    }
    print("wicked: no deed '{}': triple spin halt unmapped hypercalls opcode flood\n", wanted);
}

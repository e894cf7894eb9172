// registers: fills the vector registers, works on while others have the pCPU, and looks again.
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/guest.hpp>
#include <kit/hypercall.hpp>
#include <kit/print.hpp>

#include <algorithm>

using namespace kit;

namespace {

/// YMM0 to YMM15, and the control words of SSE and of the x87 unit.
struct alignas(32) Vectors {
    u64 words[16][4];
    u32 mxcsr;
    u16 x87_control;
};

/// Lets the vector registers be used (Intel SDM, "Enabling AVX"). False: there is no AVX.
bool enable_avx() {
    constexpr u32 xsave = 1 << 26, avx = 1 << 28;
    if (u32 features = cpuid(1).ecx; !(features & xsave) || !(features & avx)) return false;
    constexpr u64 os_xsave = 1 << 18;
    u64 cr4;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4" : : "r"(cr4 | os_xsave));
    constexpr u32 x87_sse_avx = 7;
    asm volatile("xsetbv" : : "c"(0), "a"(x87_sse_avx), "d"(0));
    return true;
}

/// Loads every register, runs for `ticks` of the TSC, and stores what the registers hold then.
/// One piece of assembly: the compiler uses them too.
void hold(Vectors& vectors, u64 ticks) {
    Vectors* at = &vectors;
    asm volatile("ldmxcsr 512(%0); fldcw 516(%0)\n"
                 ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
                 "vmovdqa \\n * 32(%0), %%ymm\\n\n"
                 ".endr\n"
                 "rdtsc; shl $32, %%rdx; or %%rdx, %%rax; add %%rax, %1\n"
                 "1: rdtsc; shl $32, %%rdx; or %%rdx, %%rax; cmp %1, %%rax; jb 1b\n"
                 ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
                 "vmovdqa %%ymm\\n, \\n * 32(%0)\n"
                 ".endr\n"
                 "stmxcsr 512(%0); fnstcw 516(%0)\n"
                 : "+r"(at), "+r"(ticks)
                 :
                 : "rax", "rdx", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                   "xmm15");
}

/// Ticks of the TSC in a millisecond: the fewest of some, as another guest's turn adds to one.
u64 ticks_in_millisecond() {
    u64 fewest = ~0ull;
    for (int n = 0; n < 10; n++) {
        const u64 start = now_ns(), first = rdtsc();
        while (now_ns() < start + 1'000'000)
            pause();
        fewest = std::min(fewest, rdtsc() - first);
    }
    return fewest;
}

/// A pattern that differs in every word, every round and every guest.
Vectors pattern(u64 seed) {
    Vectors made = {};
    for (u64 n = 0; n < 16; n++)
        for (u64 word = 0; word < 4; word++)
            made.words[n][word] = (seed << 16 | n << 8 | word) * 0x9e3779b97f4a7c15;
    made.mxcsr = 0x1f80 | u32(seed % 4) << 13;             // how it rounds
    made.x87_control = u16(0x37f | (seed % 4) << 10);
    return made;
}

bool same(const Vectors& wanted, const Vectors& found) {
    for (u64 n = 0; n < 16; n++)
        for (u64 word = 0; word < 4; word++)
            if (found.words[n][word] != wanted.words[n][word]) {
                print("registers: ymm{} word {} is {:x}, was {:x}\n", n, word, found.words[n][word],
                      wanted.words[n][word]);
                return false;
            }
    if (found.mxcsr == wanted.mxcsr && found.x87_control == wanted.x87_control) return true;
    print("registers: mxcsr {:x} and fcw {:x}, were {:x} and {:x}\n", found.mxcsr,
          found.x87_control, wanted.mxcsr, wanted.x87_control);
    return false;
}

}  // namespace

/// Option: `seed=N`, a digit that sets this guest's patterns apart.
void guest_main() {
    if (!enable_avx()) return print("registers: no AVX here\n");
    auto seed = guest().option("seed");
    u64 first = seed.empty() ? 1 : u64(seed[0] - '0') * 1000;

    // Nobody's before ours: the upper halves, which nothing in this guest has touched
    Vectors fresh;
    asm volatile("vextractf128 $1, %%ymm7, (%0)" : : "r"(&fresh) : "memory");
    bool clean = fresh.words[0][0] == 0 && fresh.words[0][1] == 0;
    print("registers: {}\n", clean ? "fresh" : "somebody was here before");

    // Rounds of 12 ms: whoever else is here gets the pCPU in the middle of many
    if (!clock_init()) return print("registers: no shared page\n");
    constexpr u64 rounds = 40;
    const u64 round_ticks = 12 * ticks_in_millisecond();
    for (u64 round = 0; round < rounds; round++) {
        Vectors wanted = pattern(first + round), found = wanted;
        hold(found, round_ticks);
        if (!same(wanted, found)) return;
    }
    print("registers: all kept\n");
}

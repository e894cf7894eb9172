// The machine and its processors: where every piece of mutable state lives, and what it is made of.
#pragma once

#include <base/trace.hpp>
#include <bit>
#include <boot/console.hpp>
#include <boot/handover.hpp>
#include <boot/time.hpp>
#include <new>
#include <x86/descriptors.hpp>
#include <x86/engine.hpp>
#include <x86/fpu.hpp>
#include <x86/host_apic.hpp>
#include <x86/privileged.hpp>

namespace hv {

inline constexpr size_t max_cpus = 8;

struct Machine;
struct Plug;

/// What one pCPU owns. `this_cpu()` finds it through GS; hosted code is handed it.
struct Cpu {
    Cpu* self = this;               ///< first: GS:0 is the way to the rest
    u64 world_switch_stack = 0;     ///< GS:8, for assembly that needs the host's stack
    void* engine_area = nullptr;    ///< GS:16 (engine_area_slot): the engine's, for this pCPU
    Machine* machine = nullptr;
    u16 number = 0;                 ///< 0 is the one that woke first
    u32 apic_id = 0;
    bool online = false;

    /// Reasons to leave a guest, set by any pCPU, taken by this one: see CpuAsk.
    std::atomic<u32> asks{0};
    u32 traced = 0;                 ///< TraceBit: what goes into its ring. A plain word, which is
                                    ///< compared where it lies: a change is seen a little later
    TraceRing* trace = nullptr;     ///< see open_trace()

    LockLedger ledger{};
    TimerQueue timers{};
    Heartbeat heartbeat{};
    s64 tsc_skew = 0;               ///< this pCPU's TSC less the boot pCPU's, as measured at boot
    x86::CpuTables tables{};        ///< its segments, and its stacks for NMI, #DF and #MC
    Parts parts{};                  ///< what later chapters keep for a pCPU
};

/// Why one pCPU wants another's (or its own) attention.
enum CpuAsk : u32 {
    ask_reschedule = 1 << 0,  ///< look at the run queue again
    ask_shootdown = 1 << 1,   ///< leave the guest for a moment: translations changed
    ask_look_at_guest = 1 << 2, ///< the same, to look at the vCPU's attention
};

/// The whole machine. The image has one, in main.cpp; a hosted process may have many.
struct Machine {
    PhysicalMemory memory{};        ///< the direct map
    FrameTable frames{};            ///< who owns each frame, and which are free
    Console console{};
    BootOptions options{};
    MachineFacts facts{};           ///< what firmware and ACPI said: memory map, pCPUs, module
    Clock clock{};
    std::array<Cpu*, max_cpus> cpus{};
    u16 cpu_count = 0;
    std::atomic<u16> cpus_waiting{0};   ///< how many came to the present meeting: boot::meet
    std::atomic<u16> meetings{0};       ///< how many meetings of all pCPUs are over
    boot::SkewMeeting skew{};           ///< used while pCPUs wake
    std::span<const Plug* const> plugs{};
    std::atomic<bool> panicking{false}; ///< an NMI means: stop
    x86::InterruptTable interrupts{};
    x86::HostApic apic{};
    HostTimer timer{};
    x86::FpuSupport fpu{};          ///< how vector state is kept; found once, on the boot pCPU
    /// What each pCPU does for ever once every chapter is open. nullptr: power off.
    void (*work)(Cpu& cpu) = nullptr;
    /// Who is told that COM1 or a device of dom0's has something; nullptr: nobody.
    void (*console_input)(Machine& machine) = nullptr;

    /// Why the machine cannot start, as the end of a sentence: said before boot gives up.
    TextBuffer<320> refusal{};

    const x86::EngineOperations* engine = nullptr;  ///< nullptr while none was found
    x86::EngineCapabilities capabilities{};

    // The trace, as dom0 may set it (XEN_SYSCTL_tbuf_op)
    u32 traced = trace_rare;        ///< TraceBit
    u64 traced_cpus = ~0ull;        ///< one bit for each pCPU that may trace
    bool tracing = true;
    std::array<TraceRecord, 8> first_trace{}; ///< the boot pCPU's ring until there are frames
    Mpa trace_rings{};              ///< one for each pCPU, end to end; 0: none
    u64 trace_bytes = 0;            ///< of one: whole pages
    Parts parts{};                  ///< what later chapters keep for the machine
};

/// The pCPU that runs this code. Chapter code is handed its Cpu, where it can be.
#if HV_HOSTED
Cpu& this_cpu();
inline u64 Clock::ticks() const { return hosted_ticks; }
#else
inline Cpu& this_cpu() {
    Cpu* cpu;
    asm volatile("mov %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}
inline u64 Clock::ticks() const {
    return x86::read_tsc() - static_cast<u64>(this_cpu().tsc_skew);
}
#endif

/// Asks `cpu` to leave its guest (or its idle halt) and look at its asks. Any pCPU, any state.
void kick(Cpu& cpu, CpuAsk why);

/// Lets `cpu`, which is this one or not awake yet, trace into [place, place + bytes), where what it
/// has noted so far comes first.
void open_trace(Cpu& cpu, void* place, u64 bytes);
/// Puts into effect what the machine's fields say of tracing on that pCPU.
void set_traced(Cpu& cpu);
/// Notes an event in this pCPU's ring. On metal it saves every register, so that its callers pay
/// for the question alone while nobody asks.
#if !HV_HOSTED
[[gnu::no_caller_saved_registers]]
#endif
[[gnu::cold]] void note(Cpu& cpu, const TraceEvent& event, DomainId domain, u16 vcpu, u64 a, u64 b,
                        u64 c, u64 d);

/// True when such events are asked for on this pCPU.
inline bool traces(const Cpu& cpu, u32 bits) { return (cpu.traced & bits) != 0; }
/// Notes an event in this pCPU's ring, if such are asked for.
inline void trace(Cpu& cpu, const TraceEvent& event, DomainId domain, u16 vcpu, u64 a = 0,
                  u64 b = 0, u64 c = 0, u64 d = 0) {
    if (traces(cpu, event.bit())) [[unlikely]]
        note(cpu, event, domain, vcpu, a, b, c, d);
}

/// Notes an event, and says its sentence aloud on the console: for what a reader should see happen.
void tell(Cpu& cpu, const TraceEvent& event, DomainId domain, u64 a = 0, u64 b = 0, u64 c = 0,
          u64 d = 0);

/// The order of the block that holds a T.
template <class T>
constexpr u8 order_of() {
    return static_cast<u8>(std::bit_width((sizeof(T) - 1) >> page_shift));
}

/// A new T in frames of the machine's, built from `arguments`. XEN_ENOMEM.
template <class T, class... Arguments>
Result<T*> make(Machine& machine, Arguments&&... arguments) {
    const Result<Mfn> block = machine.frames.take(owner_hypervisor, order_of<T>());
    TRY(block);
    return new (machine.memory.at(*block)) T(std::forward<Arguments>(arguments)...);
}

/// Ends a T that make() made, and gives its frames back. `object` may be nullptr.
template <class T>
void unmake(Machine& machine, T* object) {
    if (object == nullptr)
        return;
    object->~T();
    machine.frames.give_back(frame_of(machine.memory.address_of_pointer(object)), order_of<T>());
}

/// What a chapter plugs into the machine; main.cpp lists these in the chapters' order.
struct Plug {
    Chapter chapter;
    std::string_view title;
    std::span<const TraceEvent* const> events;
    /// Called once, on the boot pCPU, in the chapters' order. A failure ends the boot: what a
    /// person could put right is in machine.refusal.
    Result<> (*open)(Machine& machine, Cpu& cpu);
    /// Called on each pCPU as it comes up, the boot pCPU included, after `open`. May be nullptr.
    Result<> (*open_cpu)(Cpu& cpu) = nullptr;
    /// Called once, on the boot pCPU, when every chapter is open on every pCPU. May be nullptr.
    Result<> (*start)(Machine& machine, Cpu& cpu) = nullptr;
};

}  // namespace hv

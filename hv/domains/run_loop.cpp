// What every pCPU does for ever: choose a vCPU, run it until something else wants the pCPU, put it
// away. Written once for both engines; the compiler makes two.
#include <domains/calls.hpp>
#include <domains/exits.hpp>
#include <domains/household.hpp>
#include <domains/shared_info.hpp>
#include <svm/svm.hpp>
#include <vmx/vmx.hpp>
#include <x86/privileged.hpp>

namespace hv {
namespace {

/// True when this pCPU should leave its guest: a reschedule was asked for. Other asks are met by
/// the exit that they caused, and are cleared here.
bool leave_wanted(Cpu& cpu) {
    const u32 asks = cpu.asks.load(std::memory_order_relaxed);
    if (asks == 0) [[likely]]
        return false;
    cpu.asks.fetch_and(ask_reschedule, std::memory_order_relaxed);
    return (asks & ask_reschedule) != 0;
}

/// Lets the CPU deliver what waits in the APIC page. While the guest wants none it waits for the
/// window instead: Bochs (2.7) would hand it over as soon as an interrupt of the machine's comes.
template <x86::Engine E>
void leave_to_cpu(Vcpu& vcpu, bool waits) {
    (void)E::watch_window(vcpu.hardware, waits && !E::interrupts_enabled(vcpu.hardware));
}

/// Hands the guest what waits for it, or asks to be told when it can take it.
template <x86::Engine E>
void deliver(Vcpu& vcpu) {
    const u32 attention = vcpu.attention.exchange(0, std::memory_order_acquire);
    if (attention & attention_nmi)
        E::inject(vcpu.hardware, x86::nmi_event);

    // Where the CPU takes interrupts out of the APIC page by itself, it needs only a hint
    const bool by_cpu = vcpu.hardware.interrupts_delivered_by_cpu, upcall = upcall_waits(vcpu);
    const bool waits = by_cpu && E::offer(vcpu.hardware, attention & attention_interrupt);
    if (by_cpu && !upcall)
        return leave_to_cpu<E>(vcpu, waits);

    const int vector = upcall ? vcpu.domain.callback_vector : vcpu.apic.deliverable();
    if (vector < 0 || !E::interruptible(vcpu.hardware)) {
        if (!E::watch_window(vcpu.hardware, vector >= 0))
            vcpu.attention.fetch_or(attention_interrupt, std::memory_order_relaxed);
        return;
    }

    // The APIC may wait behind an upcall; behind its highest, nothing comes before its end
    if (!upcall)
        vcpu.apic.accept(static_cast<u8>(vector));
    E::inject(vcpu.hardware, x86::interrupt_event(static_cast<u8>(vector)));
    (void)E::watch_window(vcpu.hardware, by_cpu ? waits : upcall && vcpu.apic.deliverable() >= 0);
}

/// Crosses into the guest and back. Interrupts are off on both sides.
template <x86::Engine E>
void cross(Whereabouts& here, Vcpu& vcpu, x86::Exit& exit) {
    // A translation that changed since this pCPU last entered this domain is forgotten now
    const Inside inside{here, vcpu.domain.p2m};
    if (inside.generation != vcpu.flushed_generation) [[unlikely]] {
        vcpu.flushed_generation = inside.generation;
        vcpu.hardware.changes |= x86::change_translations;
    }
    E::enter(vcpu.hardware, exit);
}

/// Puts the outcome of an exit into effect: past the instruction, or a fault in its place.
template <x86::Engine E>
void settle(Vcpu& vcpu, const x86::Exit& exit, Outcome outcome) {
    switch (outcome) {
    case Outcome::complete: return E::skip(vcpu.hardware, exit);
    case Outcome::repeat: return;
    case Outcome::undefined_opcode:
        return E::inject(vcpu.hardware, x86::exception_event(x86::EXCEPTION_UD));
    case Outcome::general_protection:
        return E::inject(vcpu.hardware, x86::exception_event(x86::EXCEPTION_GP, true));
    }
}

/// Answers one exit. The frequent kinds stand first; the rest are told in exits.cpp.
template <x86::Engine E>
Outcome answer_exit(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit) {
    using Kind = x86::Exit::Kind;
    switch (exit.kind) {
    case Kind::hypercall: return answer_hypercall(cpu, vcpu, exit);
    case Kind::cpuid:
        answer_cpuid(vcpu);
        return Outcome::complete;
    case Kind::external_interrupt:
    case Kind::timer:
        x86::open_interrupt_window();
        return Outcome::repeat;
    case Kind::interrupt_window:
        vcpu.attention.fetch_or(attention_upcall, std::memory_order_relaxed);
        return Outcome::repeat;
    case Kind::halt:
        answer_halt(cpu, vcpu, E::interrupts_enabled(vcpu.hardware));
        return Outcome::complete;
    default: return answer_rare_exit(cpu, vcpu, exit);
    }
}

/// Runs `vcpu` on this pCPU until something else wants the pCPU.
template <x86::Engine E>
[[gnu::noinline]] void run(Cpu& cpu, Vcpu& vcpu) {
    Whereabouts& here = whereabouts(cpu);
    x86::Exit exit;
    E::arrive(vcpu.hardware, cpu.number);
    while (!leave_wanted(cpu)) {
        if (vcpu.attention.load(std::memory_order_relaxed) != 0 || upcall_waits(vcpu)) [[unlikely]]
            deliver<E>(vcpu);
        cross<E>(here, vcpu, exit);
        ++vcpu.domain.exits;
        if (traces(cpu, trace_hypercalls | trace_exits)) [[unlikely]]
            note_exit(cpu, vcpu, exit);
        settle<E>(vcpu, exit, answer_exit<E>(cpu, vcpu, exit));
    }
    E::depart(vcpu.hardware);
}

/// The slice is over: someone else may want this pCPU. The timer stays armed when a turn ends
/// early; what it finds then is a later turn, which has its own end.
void slice_ended(Timer& timer, Cpu& cpu) {
    const u64 end = whereabouts(cpu).slice_end;
    if (timer.deadline < end)
        cpu.timers.arm(cpu, timer, end);
    else
        cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
}

/// Sleeps until an interrupt. Whoever puts work in the queue kicks us, so none is missed.
/// Like take_turn() it is told when it begins, and returns when it ended.
u64 idle(Cpu& cpu, u64 since) {
    if ((cpu.asks.load(std::memory_order_relaxed) & ask_reschedule) == 0)
        x86::sleep_until_interrupt();
    const u64 now = cpu.machine->clock.now();
    whereabouts(cpu).idle_time += now - since;
    return now;
}

template <x86::Engine E>
u64 take_turn(Cpu& cpu, Vcpu& vcpu, u64 slice, u64 began) {
    Machine& machine = *cpu.machine;
    begin_turn(cpu, vcpu, slice, began);
    vcpu.fpu.restore(machine.fpu);
    run<E>(cpu, vcpu);
    vcpu.fpu.save(machine.fpu);

    const u64 ended = machine.clock.now();
    end_turn(cpu, vcpu, ended);
    return ended;
}

template <x86::Engine E>
[[noreturn]] void work_with(Cpu& cpu) {
    Scheduler& scheduler = *household(*cpu.machine).scheduler;
    for (u64 now = cpu.machine->clock.now();;) {
        cpu.asks.fetch_and(~static_cast<u32>(ask_reschedule), std::memory_order_acquire);
        const Choice choice = scheduler.choose(cpu);
        now = choice.vcpu != nullptr ? take_turn<E>(cpu, *choice.vcpu, choice.slice, now)
                                     : idle(cpu, now);
    }
}

}  // namespace

Whereabouts::Whereabouts() : slice{slice_ended} {}

void work(Cpu& cpu) {
    if (cpu.machine->engine == &vmx::operations)
        work_with<vmx::Engine>(cpu);
    work_with<svm::Engine>(cpu);
}

}  // namespace hv

// The run loop: into the guest, out of it, and an answer to why it came out. Written once for both
// engines; the compiler makes two.
#pragma once

#include <domains/exits.hpp>
#include <domains/household.hpp>
#include <domains/interrupts.hpp>
#include <domains/shootdown.hpp>
#include <domains/work.hpp>
#include <x86/privileged.hpp>

namespace hv {

/// Hands the guest what waits for it, or asks to be told when it can take it.
template <x86::Engine E>
void deliver(Vcpu& vcpu) {
    if (vcpu.attention.exchange(0, std::memory_order_acquire) & attention_nmi)
        E::inject(vcpu.hardware, {.kind = x86::Injection::Kind::nmi, .vector = 2});

    // Where the CPU takes interrupts out of the APIC page by itself, it needs only a hint
    const bool upcall = upcall_waits(vcpu);
    if (vcpu.hardware.interrupts_delivered_by_cpu && !upcall) {
        E::offer(vcpu.hardware);
        return (void)E::watch_window(vcpu.hardware, false);
    }

    const int vector = upcall ? vcpu.domain.callback_vector : vcpu.apic.deliverable();
    if (vector < 0 || !E::interruptible(vcpu.hardware)) {
        if (!E::watch_window(vcpu.hardware, vector >= 0))
            vcpu.attention.fetch_or(attention_interrupt, std::memory_order_relaxed);
        return;
    }

    // More may wait behind an upcall; behind the APIC's highest, nothing comes before its end
    if (!upcall)
        vcpu.apic.accept(static_cast<u8>(vector));
    E::inject(vcpu.hardware, {.vector = static_cast<u8>(vector)});
    (void)E::watch_window(vcpu.hardware, upcall);
}

/// Crosses into the guest and back. Interrupts are off on both sides.
template <x86::Engine E>
void cross(Whereabouts& here, Vcpu& vcpu, x86::Exit& exit) {
    // A translation that changed since this pCPU last entered this domain is forgotten now
    const u64 generation = announce_entry(here, vcpu.domain);
    if (generation != vcpu.flushed_generation) [[unlikely]] {
        vcpu.flushed_generation = generation;
        vcpu.hardware.flush_translations = true;
    }
    E::enter(vcpu.hardware, exit);
    announce_exit(here);
}

/// Puts the outcome of an exit into effect: past the instruction, or a fault in its place.
template <x86::Engine E>
void settle(Vcpu& vcpu, const x86::Exit& exit, Outcome outcome) {
    using Kind = x86::Injection::Kind;
    switch (outcome) {
    case Outcome::complete:
        return E::skip(vcpu.hardware, exit);
    case Outcome::repeat:
        return;
    case Outcome::undefined_opcode:
        return E::inject(vcpu.hardware, {.kind = Kind::exception, .vector = 6});
    case Outcome::general_protection:
        return E::inject(vcpu.hardware,
                         {.kind = Kind::exception, .vector = 13, .has_error_code = true});
    }
}

/// Answers one exit. The frequent kinds stand first; the rest are told in exits.cpp.
template <x86::Engine E>
void answer_exit(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit) {
    using Kind = x86::Exit::Kind;
    switch (exit.kind) {
    case Kind::hypercall:
        return settle<E>(vcpu, exit, answer_hypercall(cpu, vcpu, exit));
    case Kind::cpuid:
        answer_cpuid(vcpu);
        return E::skip(vcpu.hardware, exit);
    case Kind::external_interrupt:
    case Kind::timer:
        return x86::open_interrupt_window();
    case Kind::interrupt_window:
        vcpu.attention.fetch_or(attention_interrupt, std::memory_order_relaxed);
        return;
    case Kind::halt:
        E::skip(vcpu.hardware, exit);
        return answer_halt(cpu, vcpu, E::interrupts_enabled(vcpu.hardware));
    default:
        return settle<E>(vcpu, exit, answer_rare_exit(cpu, vcpu, exit));
    }
}

/// Runs `vcpu` on this pCPU until something else wants the pCPU.
template <x86::Engine E>
void run(Cpu& cpu, Vcpu& vcpu) {
    Whereabouts& here = whereabouts(cpu);
    x86::Exit exit;
    E::arrive(vcpu.hardware, cpu.number);
    while (!leave_wanted(cpu)) {
        if (vcpu.attention.load(std::memory_order_relaxed) != 0 || upcall_waits(vcpu))
            deliver<E>(vcpu);
        cross<E>(here, vcpu, exit);
        ++vcpu.domain.exits;
        answer_exit<E>(cpu, vcpu, exit);
    }
    E::depart(vcpu.hardware);
}

}  // namespace hv

// Turns: what a pCPU does for its vCPU between two crossings into the guest, step by step. The
// run loop on metal does the same for ever (hv/domains/run_loop.cpp).
#include "machine.hpp"
#include <domains/calls.hpp>

namespace hv::hosted {

std::optional<Who> HostedMachine::turn(u16 number) {
    return as(number, [&](Cpu& cpu) -> std::optional<Who> {
        Whereabouts& here = whereabouts(cpu);
        if (cpu.asks.exchange(0) & ask_reschedule)
            put_away(cpu);
        if (here.current == nullptr) {
            const Choice choice = household(*machine_).scheduler->choose(cpu);
            if (choice.vcpu == nullptr)
                return std::nullopt;
            begin_turn(cpu, *choice.vcpu, choice.slice, machine_->clock.now());
            collect();
        }
        return Who{here.current->domain.id, here.current->id};
    });
}

void HostedMachine::put_away(Cpu& cpu) {
    if (Vcpu* const vcpu = whereabouts(cpu).current)
        end_turn(cpu, *vcpu, machine_->clock.now());
}

void HostedMachine::rest() {
    for (u16 number = 0; number < cpus_.size(); ++number)
        as(number, [&](Cpu& cpu) { put_away(cpu); });
}

std::optional<s64> HostedMachine::execute(Cpu& cpu, Vcpu& vcpu) {
    x86::Exit exit;
    exit.kind = x86::Exit::Kind::hypercall;
    exit.long_mode = true;
    ++vcpu.domain.exits;
    note_exit(cpu, vcpu, exit);
    const Outcome outcome = answer_hypercall(cpu, vcpu, exit);
    collect();
    if (outcome == Outcome::repeat)
        return std::nullopt;
    return static_cast<s64>(vcpu.hardware.gpr.rax);
}

namespace {

/// RAX is the call's number; the arguments go where 64-bit code has them.
void load(x86::GeneralRegisters& gpr, u64 number, const std::array<u64, 6>& arguments) {
    gpr.rax = number;
    gpr.rdi = arguments[0];
    gpr.rsi = arguments[1];
    gpr.rdx = arguments[2];
    gpr.r10 = arguments[3];
    gpr.r8 = arguments[4];
    gpr.r9 = arguments[5];
}

Vcpu& current(Cpu& cpu) {
    Vcpu* const vcpu = whereabouts(cpu).current;
    if (vcpu == nullptr)
        throw std::logic_error{"nobody's turn on that pCPU"};
    return *vcpu;
}

}  // namespace

std::optional<s64> HostedMachine::hypercall(u16 number, u64 call,
                                            const std::array<u64, 6>& arguments) {
    as(number, [&](Cpu& cpu) { load(current(cpu).hardware.gpr, call, arguments); });
    return go_on(number);
}

std::optional<s64> HostedMachine::go_on(u16 number) {
    return as(number, [&](Cpu& cpu) {
        // A privileged call may wait until another domain stands still: here nobody else moves
        Vcpu& vcpu = current(cpu);
        for (const auto& other : cpus_)
            if (vcpu.domain.privileged && other.get() != &cpu)
                put_away(*other);
        return execute(cpu, vcpu);
    });
}

void HostedMachine::halt(u16 number) {
    as(number, [&](Cpu& cpu) {
        x86::Exit exit;
        exit.kind = x86::Exit::Kind::halt;
        ++current(cpu).domain.exits;
        note_exit(cpu, current(cpu), exit);
        answer_halt(cpu, current(cpu), true);
    });
}

void HostedMachine::pass(u64 ns) {
    machine_->clock.hosted_ticks += machine_->clock.to_ticks(ns);
    for (u16 number = 0; number < cpus_.size(); ++number)
        as(number, [&](Cpu& cpu) { cpu.timers.run_due(cpu); });
    collect();
}

std::optional<u64> HostedMachine::until_next_timer() {
    u64 next = TimerQueue::never;
    for (const auto& each : cpus_)
        next = std::min(next, each->timers.programmed());
    if (next == TimerQueue::never)
        return std::nullopt;
    const u64 now = machine_->clock.now();
    return next > now ? next - now + 1 : 1;
}

s64 HostedMachine::ask(u64 number, const std::array<u64, 6>& arguments) {
    rest();
    return about(0, [&](Domain& dom0) {
        // dom0 may have a program, in the middle of a call of its own
        Vcpu& vcpu = *dom0.vcpus[0];
        const x86::GeneralRegisters before = vcpu.hardware.gpr;
        load(vcpu.hardware.gpr, number, arguments);
        std::optional<s64> answer;
        do {
            this_cpu().asks = 0;
            answer = execute(this_cpu(), vcpu);
        } while (!answer);
        vcpu.hardware.gpr = before;
        return *answer;
    });
}

}  // namespace hv::hosted

// A guest's crash: its registers and code bytes are told, and the domain is kept for the autopsy.
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <xen/sched.h>

namespace hv {
namespace {

void print_registers(Sink& sink, const x86::GeneralRegisters& gpr, const x86::CpuState& state) {
    print(sink, "  rip {:016x}  rsp {:016x}  rflags {:016x}  cs {:04x}\n", state.rip, state.rsp,
          state.rflags, u64{state.cs.selector});
    print(sink, "  rax {:016x}  rbx {:016x}  rcx {:016x}  rdx {:016x}\n", gpr.rax, gpr.rbx, gpr.rcx,
          gpr.rdx);
    print(sink, "  rsi {:016x}  rdi {:016x}  rbp {:016x}  r8  {:016x}\n", gpr.rsi, gpr.rdi, gpr.rbp,
          gpr.r8);
    print(sink, "  r9  {:016x}  r10 {:016x}  r11 {:016x}  r12 {:016x}\n", gpr.r9, gpr.r10, gpr.r11,
          gpr.r12);
    print(sink, "  r13 {:016x}  r14 {:016x}  r15 {:016x}  efer {:016x}\n", gpr.r13, gpr.r14,
          gpr.r15,
          state.efer);
    print(sink, "  cr0 {:016x}  cr2 {:016x}  cr3 {:016x}  cr4 {:016x}\n", state.cr0, state.cr2,
          state.cr3, state.cr4);
}

void print_code(Sink& sink, Vcpu& vcpu, const x86::CpuState& state) {
    u8 code[16] = {};
    size_t count = 0;
    while (count < sizeof code &&
           read_guest(vcpu, &code[count], state.cs.base + state.rip + count, 1).ok())
        ++count;
    print(sink, "  code");
    for (size_t i = 0; i < count; ++i)
        print(sink, " {:02x}", code[i]);
    print(sink, count == 0 ? " cannot be read\n" : "\n");
}

}  // namespace

void crash(Cpu& cpu, Vcpu& vcpu, std::string_view why) {
    Domain& domain = vcpu.domain;
    if (domain.life.load() >= Life::shut_down)
        return;
    x86::CpuState state;
    domain.machine.engine->read_state(vcpu.hardware, state);
    TextBuffer<1536> text;
    print(text, "d{}v{} cannot go on: {}\n", domain.id, vcpu.id, why);
    print_registers(text, vcpu.hardware.gpr, state);
    print_code(text, vcpu, state);
    domain.machine.console.write(text.view());
    shut_down(cpu, domain, SHUTDOWN_crash);
}

}  // namespace hv

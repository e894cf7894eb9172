// Answers to exits: CPUID, HLT, ports, XSETBV and the rare ones. What nothing answers crashes the
// domain: its registers and code bytes are told, and it is kept for the autopsy.
#include <domains/exits.hpp>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <domains/vcpu_start.hpp>
#include <x86/bits.hpp>
#include <xen/sched.h>

namespace hv {

void answer_cpuid(Vcpu& vcpu) {
    x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const CpuidLeaf leaf = vcpu.domain.policy.look_up(vcpu, static_cast<u32>(gpr.rax),
                                                      static_cast<u32>(gpr.rcx));
    gpr.rax = leaf.eax;
    gpr.rbx = leaf.ebx;
    gpr.rcx = leaf.ecx;
    gpr.rdx = leaf.edx;
}

void answer_halt(Cpu& cpu, Vcpu& vcpu, bool interrupts_enabled) {
    if (interrupts_enabled)
        return block(cpu, vcpu);
    take_down(cpu, vcpu);  // nothing can wake it
}

void yield(Cpu& cpu) {
    if (household(*cpu.machine).scheduler->anyone_waiting(cpu))
        cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
}

namespace {

constexpr u16 debug_console = 0xe9;   ///< one letter a write, on Bochs, QEMU and Xen alike
constexpr u16 pit_channel_2 = 0x42;

/// Gathers a line of what a guest writes to port 0xe9, and prints it whole.
void gather(Vcpu& vcpu, char letter) {
    if (letter != '\n')
        return vcpu.port_line.write({&letter, 1});
    TextBuffer<160> line;
    print(line, "(d{}) {}\n", vcpu.domain.id, vcpu.port_line.view());
    vcpu.domain.machine.console.write_guest(line.view());
    vcpu.port_line.clear();
}

/// What a read finds: all ones, as on a bus where nobody answers. A PIT that stands at zero ends
/// Linux's calibration at once; all ones would be read 100,000 times.
u32 read_nothing(u16 port) { return port == pit_channel_2 ? 0 : ~0u; }

}  // namespace

Outcome answer_port(Vcpu& vcpu, const x86::Exit::Port& port) {
    u64& rax = vcpu.hardware.gpr.rax;
    if (port.string) {
        // Nothing is there for INS to bring or OUTS to take; the count is used up
        if (port.repeated)
            vcpu.hardware.gpr.rcx = 0;
        return Outcome::complete;
    }
    // dom0 has the machine's ports, but for the hypervisor's COM1 and the byte that resets
    const bool own = vcpu.domain.privileged && port.number >> 3 != 0x3f8 >> 3 &&
                     port.number != 0xcf9;
    if (!port.in) {
        if (port.number == debug_console)
            gather(vcpu, static_cast<char>(rax));
        if (own)
            x86::out(port.number, port.size, static_cast<u32>(rax));
        return Outcome::complete;
    }
    const u64 mask = (1ull << port.size * 8) - 1;
    const u64 value = (own ? x86::in(port.number, port.size) : read_nothing(port.number)) & mask;
    rax = port.size == 4 ? value : (rax & ~mask) | value;
    return Outcome::complete;
}

/// Intel SDM volume 1, "Enabling the XSAVE Feature Set".
bool FpuState::set_xcr0(u64 wish, u64 allowed) {
    constexpr u64 avx512 = x86::XCR0_OPMASK | x86::XCR0_ZMM_Hi256 | x86::XCR0_Hi16_ZMM;
    const bool without_ground =
        !(wish & x86::XCR0_X87) || (wish & x86::XCR0_AVX && !(wish & x86::XCR0_SSE));
    const bool torn = wish & avx512 && ((wish & avx512) != avx512 || !(wish & x86::XCR0_AVX));
    if (without_ground || torn || (wish & ~allowed) != 0)
        return false;
    xcr0_ = wish;
    x86::write_xcr0(wish);
    return true;
}

namespace {

/// XSETBV: the guest chooses which states XSAVE keeps, among those its CPUID offers.
Outcome answer_extended_control(Vcpu& vcpu) {
    const x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const u64 wish = gpr.rdx << 32 | static_cast<u32>(gpr.rax);
    if (static_cast<u32>(gpr.rcx) != 0 || !vcpu.fpu.set_xcr0(wish, vcpu.domain.policy.xcr0_mask()))
        return Outcome::general_protection;
    return Outcome::complete;
}

void print_registers(Sink& sink, const x86::GeneralRegisters& gpr, const x86::CpuState& state) {
    const struct {
        std::string_view name;
        u64 value;
    } registers[] = {
        {"rip", state.rip}, {"rsp", state.rsp}, {"rflags", state.rflags}, {"cs", state.cs.selector},
        {"rax", gpr.rax},   {"rbx", gpr.rbx},   {"rcx", gpr.rcx},         {"rdx", gpr.rdx},
        {"rsi", gpr.rsi},   {"rdi", gpr.rdi},   {"rbp", gpr.rbp},         {"r8 ", gpr.r8},
        {"r9 ", gpr.r9},    {"r10", gpr.r10},   {"r11", gpr.r11},         {"r12", gpr.r12},
        {"r13", gpr.r13},   {"r14", gpr.r14},   {"r15", gpr.r15},         {"efer", state.efer},
        {"cr0", state.cr0}, {"cr2", state.cr2}, {"cr3", state.cr3},       {"cr4", state.cr4},
    };
    for (size_t i = 0; i < std::size(registers); ++i)
        print(sink, "  {} {:016x}{}", registers[i].name, registers[i].value,
              i % 4 == 3 ? "\n" : "");
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

Outcome describe_and_crash(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit, std::string_view why) {
    TextBuffer<160> text;
    print(text, "{} (engine code {:x}, detail {:x})", why, exit.raw, exit.qualification);
    crash(cpu, vcpu, text.view());
    return Outcome::repeat;
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

Outcome answer_rare_exit(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit) {
    using Kind = x86::Exit::Kind;
    switch (exit.kind) {
    case Kind::read_msr: return answer_read_msr(vcpu);
    case Kind::write_msr: return answer_write_msr(vcpu);
    case Kind::port: return answer_port(vcpu, exit.port);
    case Kind::nested_fault: return answer_nested_fault(cpu, vcpu, exit.fault);
    case Kind::control_register: return answer_control_register(vcpu, exit.control);
    case Kind::extended_control: return answer_extended_control(vcpu);
    case Kind::cache_write_back: return Outcome::complete;  // nothing of a guest's is uncached
    case Kind::undefined: return Outcome::undefined_opcode;
    case Kind::nmi:
    case Kind::resolved: return Outcome::repeat;
    case Kind::pause:
        yield(cpu);
        return Outcome::complete;
    case Kind::apic_write:
        vcpu.apic.written(exit.apic_offset);
        return Outcome::repeat;
    case Kind::exception:  // the machine check alone: it is the machine's, whoever was running
        panic("a machine check came while d{} ran", vcpu.domain.id);
    case Kind::shutdown: return describe_and_crash(cpu, vcpu, exit, "triple fault");
    case Kind::refused:
        return describe_and_crash(cpu, vcpu, exit, "the CPU refused to enter this guest");
    default: return describe_and_crash(cpu, vcpu, exit, "an exit that nothing answers");
    }
}

}  // namespace hv

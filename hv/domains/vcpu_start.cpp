// How a vCPU comes up and goes down, and the first states that it may be given.
#include <domains/household.hpp>
#include <domains/trace.hpp>
#include <domains/vcpu_start.hpp>
#include <x86/bits.hpp>
#include <xen/sched.h>

namespace hv {

void receive_init(Vcpu& vcpu) {
    // A running vCPU is left as it is: Linux sends INIT to those that are down
    vcpu.waits_for_start_up = vcpu.down.load();
}

void receive_start_up(Vcpu& vcpu, u8 vector) {
    // One that is down but not yet off its pCPU hears the next message
    Guard guard{vcpu.domain.lock};
    if (!vcpu.down.load() || vcpu.running || !vcpu.waits_for_start_up)
        return;
    vcpu.waits_for_start_up = false;
    vcpu.apic.reset();

    // Real mode, as the processor leaves INIT: Intel SDM, "Processor State After Reset"
    constexpr u32 code = 0x9b, data = 0x93, task = 0x8b, table = 0x82;
    x86::CpuState state;
    state.cs = {static_cast<u16>(vector << 8), code, 0xffff, static_cast<u64>(vector) << 12};
    state.ds = state.es = state.fs = state.gs = state.ss = {0, data, 0xffff, 0};
    state.tr = {0, task, 0xffff, 0};
    state.ldtr = {0, table, 0xffff, 0};
    state.gdtr = state.idtr = {0, 0xffff};
    vcpu.hardware.gpr = {};
    if (vcpu.domain.machine.engine->write_state(vcpu.hardware, state).ok())
        bring_up(vcpu);
}

void bring_up(Vcpu& vcpu) {
    vcpu.initialised = true;
    vcpu.blocked.store(Blocked::no);
    if (!vcpu.down.exchange(false))
        return;
    trace(this_cpu(), vcpu_up, vcpu);
    household(vcpu.domain.machine).scheduler->wake(vcpu);
}

void take_down(Cpu& cpu, Vcpu& vcpu) {
    vcpu.down.store(true);
    trace(cpu, vcpu_down, vcpu);
    if (vcpu.running && vcpu.cpu == cpu.number)
        cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
    else
        household(vcpu.domain.machine).scheduler->sleep(vcpu);
    for (const Vcpu* other : vcpu.domain.made_vcpus())
        if (!other->down.load())
            return;
    shut_down(cpu, vcpu.domain, SHUTDOWN_poweroff);
}

bool startable(const x86::CpuState& state) {
    // Up to UMIP, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP: no VMX, SMX, five levels; EFER has no SVM
    constexpr u64 cr4 = 0xfff | 7 << 16 | 3 << 20;
    constexpr u64 efer = x86::EFER_SCE | x86::EFER_LME | x86::EFER_LMA | x86::EFER_NXE;
    return state.cr0 >> 32 == 0 && (state.cr4 & ~cr4) == 0 && (state.efer & ~efer) == 0;
}

namespace {

constexpr u32 flat_code_64 = 0xa9b, flat_data = 0xc93, idle_task = 0x8b;

/// Segments of 32-bit code as given: bases, limits and packed attributes.
Result<> take_narrow(const vcpu_hvm_x86_32& told, x86::CpuState& state,
                     x86::GeneralRegisters& gpr) {
    gpr = {.rax = told.eax, .rcx = told.ecx, .rdx = told.edx, .rbx = told.ebx, .rbp = told.ebp,
           .rsi = told.esi, .rdi = told.edi};
    state.rip = told.eip;
    state.rsp = told.esp;
    state.rflags = told.eflags;
    state.cr0 = told.cr0;
    state.cr3 = told.cr3;
    state.cr4 = told.cr4;
    state.efer = told.efer;
    state.cs = {0, unpack_attributes(told.cs_ar), told.cs_limit, told.cs_base};
    state.ds = {0, unpack_attributes(told.ds_ar), told.ds_limit, told.ds_base};
    state.ss = {0, unpack_attributes(told.ss_ar), told.ss_limit, told.ss_base};
    state.es = {0, unpack_attributes(told.es_ar), told.es_limit, told.es_base};
    state.tr = {0, unpack_attributes(told.tr_ar), told.tr_limit, told.tr_base};
    constexpr u32 present = 1 << 7;
    const bool flawed = (told.cs_ar & present) == 0 || (told.tr_ar & present) == 0 ||
                        told.pad1 != 0 || told.pad2[0] != 0 || told.pad2[1] != 0 ||
                        told.pad2[2] != 0;
    return flawed ? Result<>{Error{XEN_EINVAL}} : Result<>{};
}

/// 64-bit code begins with flat segments; only the registers are told.
Result<> take_wide(const vcpu_hvm_x86_64& told, x86::CpuState& state, x86::GeneralRegisters& gpr) {
    gpr = {.rax = told.rax, .rcx = told.rcx, .rdx = told.rdx, .rbx = told.rbx, .rbp = told.rbp,
           .rsi = told.rsi, .rdi = told.rdi};
    state.rip = told.rip;
    state.rsp = told.rsp;
    state.rflags = told.rflags;
    state.cr0 = told.cr0;
    state.cr3 = told.cr3;
    state.cr4 = told.cr4;
    state.efer = told.efer;
    const bool paged = (told.cr0 & x86::CR0_PG) != 0 && (told.cr4 & x86::CR4_PAE) != 0;
    if (!paged || (~told.efer & (x86::EFER_LME | x86::EFER_LMA)) != 0)
        return Error{XEN_EINVAL};
    state.cs = {0, unpack_attributes(flat_code_64), ~0u, 0};
    state.ds = state.es = state.ss = {0, unpack_attributes(flat_data), ~0u, 0};
    state.tr = {0, unpack_attributes(idle_task), 0x67, 0};
    return {};
}

}  // namespace

Result<> start_as_told(Vcpu& vcpu, const vcpu_hvm_context_t& told) {
    if (told.pad != 0 || told.mode > VCPU_HVM_MODE_64B)
        return Error{XEN_EINVAL};
    x86::CpuState state;
    x86::GeneralRegisters gpr;
    if (told.mode == VCPU_HVM_MODE_32B)
        TRY(take_narrow(told.cpu_regs.x86_32, state, gpr));
    else
        TRY(take_wide(told.cpu_regs.x86_64, state, gpr));
    state.fs = state.gs = {0, unpack_attributes(flat_data), ~0u, 0};
    state.ldtr = {0, unpack_attributes(0x82), 0, 0};
    if (!startable(state))
        return Error{XEN_EINVAL};
    TRY(vcpu.domain.machine.engine->write_state(vcpu.hardware, state));
    vcpu.hardware.gpr = gpr;
    vcpu.initialised = true;  // VCPUOP_up lets it go
    return {};
}

}  // namespace hv

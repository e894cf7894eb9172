// Instructions done in a guest's place: at an access that the p2m does not allow, to the local
// APIC's page or to nothing at all, and at a MOV to CR8.
#include <algorithm>
#include <domains/exits.hpp>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <x86/bits.hpp>
#include <x86/decode.hpp>

namespace hv {
namespace {

using x86::Instruction;
using x86::SegmentName;

x86::CodeSize code_size(const x86::CpuState& state) {
    if (state.efer & x86::EFER_LMA && state.cs.long_code())
        return x86::CodeSize::bits64;
    return state.cs.big() ? x86::CodeSize::bits32 : x86::CodeSize::bits16;
}

u64 base_of(const x86::CpuState& state, SegmentName name) {
    const x86::Segment* const segments[] = {&state.es, &state.cs, &state.ss,
                                            &state.ds, &state.fs, &state.gs};
    return segments[static_cast<u8>(name)]->base;
}

/// The linear address of `offset` in a segment: in 64-bit code only FS and GS have a base,
/// elsewhere addresses are 32 bits.
u64 linear_address(const x86::CpuState& state, SegmentName segment, u64 offset) {
    if (code_size(state) != x86::CodeSize::bits64)
        return static_cast<u32>(base_of(state, segment) + offset);
    const bool has_base = segment == SegmentName::fs || segment == SegmentName::gs;
    return has_base ? base_of(state, segment) + offset : offset;
}

/// Reads and decodes the instruction at `state`'s RIP. The vCPU is on this pCPU, out of its guest.
/// XEN_EFAULT: its bytes cannot be read; XEN_EOPNOTSUPP, XEN_EINVAL: as x86::decode says.
Result<Instruction> fetch_instruction(Vcpu& vcpu, const x86::CpuState& state) {
    // Up to the end of the page first: the next one need not be there
    std::array<u8, 15> code{};
    const u64 address = linear_address(state, SegmentName::cs, state.rip);
    const size_t here = std::min<size_t>(code.size(), page_size - (address & page_mask));
    TRY(read_guest(vcpu, code.data(), address, here));
    const size_t beyond = code.size() - here;
    const bool all = beyond == 0 || read_guest(vcpu, &code[here], address + here, beyond).ok();
    return x86::decode(std::span{code}.first(all ? code.size() : here), code_size(state));
}

bool in_apic_page(const Vcpu& vcpu, Gpa address) {
    return frame_of(address) == frame_of(Gpa{LocalApic::page_address}) && vcpu.apic.enabled() &&
           !vcpu.apic.x2apic();
}

/// What a read there finds: a register of the local APIC, or ones, as on a bus where nobody
/// answers.
u64 read_there(Vcpu& vcpu, Gpa address) {
    if (!in_apic_page(vcpu, address))
        return ~0ull;
    return vcpu.apic.read_register(static_cast<u32>(address.value & page_mask & ~0xfull));
}

void write_there(Vcpu& vcpu, Gpa address, u64 value) {
    if (in_apic_page(vcpu, address) && (address.value & 0xf) == 0)
        vcpu.apic.write_register(static_cast<u32>(address.value & page_mask),
                                 static_cast<u32>(value));
}

constexpr u64 mask_of(unsigned bytes) { return bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1; }

u64 sign_extend(u64 value, unsigned bytes) {
    const unsigned shift = 64 - bytes * 8;
    return static_cast<u64>(static_cast<s64>(value << shift) >> shift);
}

/// The stack pointer is register 4, and lives with the engine.
u64 read_gpr(const Vcpu& vcpu, const x86::CpuState& state, const Instruction& instruction) {
    const u64 value = instruction.gpr == 4 && !instruction.high_byte
                          ? state.rsp
                          : vcpu.hardware.gpr[instruction.gpr];
    return instruction.high_byte ? value >> 8 : value;
}

/// Writes as the CPU does: 32-bit results clear the upper half, smaller ones leave the rest.
void write_gpr(Vcpu& vcpu, const Instruction& instruction, u64 value) {
    u64& gpr = vcpu.hardware.gpr[instruction.gpr];
    const unsigned bytes = instruction.register_size;
    if (instruction.high_byte)
        gpr = (gpr & ~0xff00ull) | (value & 0xff) << 8;
    else if (bytes >= 4)
        gpr = value & mask_of(bytes);
    else
        gpr = (gpr & ~mask_of(bytes)) | (value & mask_of(bytes));
}

/// RFLAGS after CMP of `left` with `right`: Intel SDM volume 1, "Status Flags".
u64 flags_of(u64 rflags, u64 left, u64 right, unsigned bytes) {
    constexpr u64 carry = 1, parity = 1 << 2, adjust = 1 << 4, zero = 1 << 6, sign = 1 << 7,
                  overflow = 1 << 11;
    const u64 top = 1ull << (bytes * 8 - 1);
    left &= mask_of(bytes);
    right &= mask_of(bytes);
    const u64 difference = (left - right) & mask_of(bytes);
    u64 flags = rflags & ~(carry | parity | adjust | zero | sign | overflow);
    flags |= left < right ? carry : 0;
    flags |= __builtin_parityll(difference & 0xff) ? 0 : parity;
    flags |= (left ^ right ^ difference) & 0x10 ? adjust : 0;
    flags |= difference == 0 ? zero : 0;
    flags |= difference & top ? sign : 0;
    flags |= (left ^ right) & (left ^ difference) & top ? overflow : 0;
    return flags;
}

/// STOS and MOVS, an element at a time. False: interrupted; the guest goes on with what is left.
bool do_string(Cpu& cpu, Vcpu& vcpu, const x86::CpuState& state, const Instruction& instruction,
               Gpa address) {
    constexpr u64 direction = 1 << 10;
    x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const u64 addresses = mask_of(instruction.address_size);
    const u64 step = state.rflags & direction ? 0 - u64{instruction.size} : instruction.size;
    const bool moves = instruction.kind == Instruction::Kind::move_string;
    const auto advance = [&](u64& index) {
        index = (index & ~addresses) | ((index + step) & addresses);
    };
    while (!instruction.repeated || (gpr.rcx & addresses) != 0) {
        u64 value = gpr.rax;
        const u64 from = linear_address(state, instruction.segment, gpr.rsi & addresses);
        const u64 to = linear_address(state, SegmentName::es, gpr.rdi & addresses);
        if (moves && !read_guest(vcpu, &value, from, instruction.size).ok())
            value = read_there(vcpu, address);
        if (!write_guest(vcpu, to, &value, instruction.size).ok())
            write_there(vcpu, address, value);
        if (moves)
            advance(gpr.rsi);
        advance(gpr.rdi);
        if (!instruction.repeated)
            return true;
        gpr.rcx = (gpr.rcx & ~addresses) | ((gpr.rcx - 1) & addresses);
        if (wanted_elsewhere(cpu))
            return (gpr.rcx & addresses) == 0;
    }
    return true;
}

/// Does the instruction in the guest's place. XEN_EOPNOTSUPP: not one that touches memory like
/// this.
Result<bool> emulate(Cpu& cpu, Vcpu& vcpu, x86::CpuState& state, const Instruction& instruction,
                     Gpa address) {
    using Kind = Instruction::Kind;
    const u64 found = read_there(vcpu, address) & mask_of(instruction.size);
    const u64 held = read_gpr(vcpu, state, instruction);
    const auto compare = [&](u64 left, u64 right) -> Result<bool> {
        state.rflags = flags_of(state.rflags, left, right, instruction.size);
        TRY(vcpu.domain.machine.engine->write_state(vcpu.hardware, state));
        return true;
    };
    switch (instruction.kind) {
    case Kind::load:
    case Kind::load_zero:
        write_gpr(vcpu, instruction, found);
        return true;
    case Kind::load_sign:
        write_gpr(vcpu, instruction, sign_extend(found, instruction.size));
        return true;
    case Kind::store:
        write_there(vcpu, address, held);
        return true;
    case Kind::store_immediate:
        write_there(vcpu, address, instruction.immediate);
        return true;
    case Kind::compare: return compare(found, held);
    case Kind::compare_from: return compare(held, found);
    case Kind::compare_immediate: return compare(found, instruction.immediate);
    case Kind::store_string:
    case Kind::move_string: return do_string(cpu, vcpu, state, instruction, address);
    default: return Error{XEN_EOPNOTSUPP};
    }
}

/// True when the p2m allows the access by now: another pCPU changed it, or our translation was old.
bool allowed_now(Vcpu& vcpu, const x86::Exit::Fault& fault) {
    const Result<GuestFrame> now = vcpu.domain.p2m.look_up(frame_of(fault.address));
    return now.ok() && (!fault.write || now->access.write) && (!fault.fetch || now->access.execute);
}

}  // namespace

Outcome answer_nested_fault(Cpu& cpu, Vcpu& vcpu, const x86::Exit::Fault& fault) {
    if (!fault.misconfigured && allowed_now(vcpu, fault)) {
        vcpu.hardware.changes |= x86::change_translations;
        return Outcome::repeat;
    }
    const x86::EngineOperations& engine = *vcpu.domain.machine.engine;
    x86::CpuState state;
    engine.read_state(vcpu.hardware, state);

    Result<bool> finished{Error{XEN_EOPNOTSUPP}};
    const Result<Instruction> instruction = fetch_instruction(vcpu, state);
    if (instruction.ok() && !fault.fetch && !fault.in_page_walk)
        finished = emulate(cpu, vcpu, state, *instruction, fault.address);
    if (!finished.ok()) {
        TextBuffer<128> why;
        print(why, "it {} guest physical {:x}, where it has no memory",
              fault.fetch ? "ran code at" : fault.write ? "wrote to" : "read", fault.address);
        crash(cpu, vcpu, why.view());
        return Outcome::repeat;
    }
    if (*finished)
        engine.set_instruction_pointer(vcpu.hardware, state.rip + instruction->length);
    return Outcome::repeat;
}

Outcome answer_control_register(Vcpu& vcpu, x86::Exit::Control control) {
    const x86::EngineOperations& engine = *vcpu.domain.machine.engine;
    x86::CpuState state;
    if (!control.decoded) {
        // The engine knows no more than that it was one: QEMU's SVM
        engine.read_state(vcpu.hardware, state);
        const Result<Instruction> found = fetch_instruction(vcpu, state);
        if (!found.ok() || found->kind != Instruction::Kind::write_control)
            return Outcome::undefined_opcode;
        control.number = found->control;
        control.gpr = found->gpr;
        state.rip += found->length;
    }
    const u64 priority = vcpu.hardware.gpr[control.gpr];
    if (control.number != 8 || priority > 0xf)
        return Outcome::general_protection;
    vcpu.apic.write_register(0x80, static_cast<u32>(priority << 4));
    if (control.decoded)
        return Outcome::complete;
    engine.set_instruction_pointer(vcpu.hardware, state.rip);
    return Outcome::repeat;
}

}  // namespace hv

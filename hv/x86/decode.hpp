// The decoder: the few instructions that a hypervisor must read itself, from their bytes.
#pragma once

#include <base/result.hpp>
#include <span>

namespace hv::x86 {

/// How code is read: CS.D and CS.L, and EFER.LMA.
enum class CodeSize : u8 { bits16, bits32, bits64 };

/// Registers by their number in instructions: 0 to 15 as in GeneralRegisters.
inline constexpr u8 no_register = 0xff;
inline constexpr u8 register_rip = 0xfe;

/// Segments by their number in instructions.
enum class SegmentName : u8 { es, cs, ss, ds, fs, gs };

/// A memory operand: base + index * scale + displacement, cut to `address_size` bytes, in
/// `segment`.
struct EffectiveAddress {
    SegmentName segment = SegmentName::ds;
    u8 base = no_register;   ///< register_rip: the address of the next instruction
    u8 index = no_register;
    u8 scale = 1;
    u8 address_size = 8;     ///< bytes: 2, 4 or 8
    s64 displacement = 0;
};

/// One instruction. Which fields count depends on `kind`.
struct Instruction {
    enum class Kind : u8 {
        load,            ///< MOV: register from memory
        store,           ///< MOV: memory from register
        store_immediate, ///< MOV: memory from `immediate`
        compare,         ///< CMP: memory less register
        compare_from,    ///< CMP: register less memory
        compare_immediate, ///< CMP: memory less `immediate`
        load_zero,       ///< MOVZX: `size` bytes of memory, register of `register_size`
        load_sign,       ///< MOVSX, MOVSXD: the same, sign extended
        store_string,    ///< STOS: ES:rDI from rAX
        move_string,     ///< MOVS: ES:rDI from memory at rSI
        input_string,    ///< INS: ES:rDI from port DX
        output_string,   ///< OUTS: port DX from memory at rSI
        input,           ///< IN: rAX from `port`, or from DX
        output,          ///< OUT: the other way
        read_control,    ///< MOV from CR `control`
        write_control,   ///< MOV to CR `control`
        clear_task_switched,  ///< CLTS
        load_status_word,     ///< LMSW: from `gpr`, or from memory
        // Told for their length alone
        cpuid, rdmsr, wrmsr, hlt, vmcall, vmmcall, wbinvd, invd, xsetbv, pause,
    };

    Kind kind{};
    u8 length = 0;           ///< bytes, 1 to 15
    u8 size = 0;             ///< bytes of the operand in memory or at the port: 1, 2, 4 or 8
    u8 register_size = 0;    ///< bytes of `gpr` that are written or read
    u8 gpr = no_register;    ///< 0 to 15
    bool high_byte = false;  ///< `gpr` is AH, CH, DH or BH: bits 15:8 of rAX, rCX, rDX or rBX
    bool repeated = false;   ///< a string instruction with REP: rCX times
    bool in_memory = false;  ///< `memory` is an operand: of MOVS and OUTS the source at rSI, of
                             ///< STOS and INS the target at rDI; MOVS writes to ES:rDI besides
    bool port_in_dx = false;
    u8 port = 0;             ///< of IN and OUT with an immediate port
    u8 control = 0;          ///< 0 to 15
    u8 address_size = 8;     ///< bytes of rSI, rDI and rCX that string instructions use
    u64 immediate = 0;       ///< sign extended to 64 bits; its low `size` bytes count
    EffectiveAddress memory{};
};

/// Decodes the instruction that begins `code`, of which at most 15 bytes are read.
/// XEN_EOPNOTSUPP: an instruction that it does not know, or that raises #UD.
/// XEN_EINVAL: `code` ends before the instruction does, or 15 bytes are not enough.
/// Source: Intel SDM volume 2, "Instruction Format" and appendix "Opcode Map".
Result<Instruction> decode(std::span<const u8> code, CodeSize code_size);

}  // namespace hv::x86

// The decoder: the few instructions that a hypervisor must read itself, from their bytes.
#pragma once

#include <base/result.hpp>
#include <span>

namespace hv::x86 {

/// How code is read: CS.D and CS.L, and EFER.LMA.
enum class CodeSize : u8 { bits16, bits32, bits64 };

/// Segments by their number in instructions.
enum class SegmentName : u8 { es, cs, ss, ds, fs, gs };

/// One instruction. Which fields count depends on `kind`. Where its operand in memory lies is not
/// among them: the CPU has told that with the fault.
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
        move_string,     ///< MOVS: ES:rDI from memory at rSI in `segment`
        read_control,    ///< MOV from CR `control`
        write_control,   ///< MOV to CR `control`
    };

    Kind kind{};
    u8 length = 0;           ///< bytes, 1 to 15
    u8 size = 0;             ///< bytes of the operand in memory: 1, 2, 4 or 8
    u8 register_size = 0;    ///< bytes of `gpr` that are written or read
    u8 gpr = 0;              ///< 0 to 15, as in GeneralRegisters
    bool high_byte = false;  ///< `gpr` is AH, CH, DH or BH: bits 15:8 of rAX, rCX, rDX or rBX
    bool repeated = false;   ///< a string instruction with REP: rCX times
    u8 control = 0;          ///< 0 to 15
    u8 address_size = 8;     ///< bytes of rSI, rDI and rCX that string instructions use: 2, 4 or 8
    SegmentName segment = SegmentName::ds;
    u64 immediate = 0;       ///< sign extended to 64 bits; its low `size` bytes count
};

/// Decodes the instruction that begins `code`, of which at most 15 bytes are read.
/// XEN_EOPNOTSUPP: an instruction that it does not know, or that raises #UD.
/// XEN_EINVAL: `code` ends before the instruction does, or 15 bytes are not enough.
/// Source: Intel SDM volume 2, "Instruction Format" and appendix "Opcode Map".
Result<Instruction> decode(std::span<const u8> code, CodeSize code_size);

}  // namespace hv::x86

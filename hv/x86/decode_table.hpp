// The opcodes that the decoder knows: one row for each, in the order of Intel's opcode map.
#pragma once

#include <array>
#include <x86/decode.hpp>

namespace hv::x86 {

/// What follows an opcode, and which operands it spells.
enum class Form : u8 {
    unknown,
    plain,         ///< nothing
    memory,        ///< ModRM: memory and a register
    immediate,     ///< ModRM: memory and, as register, a digit (0: MOV, 7: CMP); then an immediate
    offset,        ///< an address of the full address size; the register is rAX
    string,        ///< nothing: rSI, rDI, rCX and DX are understood
    port,          ///< an immediate port, or DX
    control,       ///< ModRM: a control register and a general register
    group_0f01,    ///< ModRM: LMSW, or one of three instructions without operands
    pause,         ///< NOP, which REP makes a PAUSE
};

struct Opcode {
    u8 code = 0;
    Form form = Form::unknown;
    Instruction::Kind kind{};
    u8 size = 0;  ///< bytes of the operand in memory; 0: the operand size
};

using Kind = Instruction::Kind;

inline constexpr Opcode one_byte_opcodes[] = {
    {0x38, Form::memory, Kind::compare, 1},
    {0x39, Form::memory, Kind::compare},
    {0x3a, Form::memory, Kind::compare_from, 1},
    {0x3b, Form::memory, Kind::compare_from},
    {0x63, Form::memory, Kind::load_sign, 4},  // MOVSXD, in 64-bit code only
    {0x6c, Form::string, Kind::input_string, 1},
    {0x6d, Form::string, Kind::input_string},
    {0x6e, Form::string, Kind::output_string, 1},
    {0x6f, Form::string, Kind::output_string},
    {0x80, Form::immediate, Kind::compare_immediate, 1},
    {0x81, Form::immediate, Kind::compare_immediate},
    {0x83, Form::immediate, Kind::compare_immediate},
    {0x88, Form::memory, Kind::store, 1},
    {0x89, Form::memory, Kind::store},
    {0x8a, Form::memory, Kind::load, 1},
    {0x8b, Form::memory, Kind::load},
    {0x90, Form::pause, Kind::pause},
    {0xa0, Form::offset, Kind::load, 1},
    {0xa1, Form::offset, Kind::load},
    {0xa2, Form::offset, Kind::store, 1},
    {0xa3, Form::offset, Kind::store},
    {0xa4, Form::string, Kind::move_string, 1},
    {0xa5, Form::string, Kind::move_string},
    {0xaa, Form::string, Kind::store_string, 1},
    {0xab, Form::string, Kind::store_string},
    {0xc6, Form::immediate, Kind::store_immediate, 1},
    {0xc7, Form::immediate, Kind::store_immediate},
    {0xe4, Form::port, Kind::input, 1},
    {0xe5, Form::port, Kind::input},
    {0xe6, Form::port, Kind::output, 1},
    {0xe7, Form::port, Kind::output},
    {0xec, Form::port, Kind::input, 1},
    {0xed, Form::port, Kind::input},
    {0xee, Form::port, Kind::output, 1},
    {0xef, Form::port, Kind::output},
    {0xf4, Form::plain, Kind::hlt},
};

/// After the byte 0x0f.
inline constexpr Opcode two_byte_opcodes[] = {
    {0x01, Form::group_0f01, Kind::load_status_word, 2},
    {0x06, Form::plain, Kind::clear_task_switched},
    {0x08, Form::plain, Kind::invd},
    {0x09, Form::plain, Kind::wbinvd},
    {0x20, Form::control, Kind::read_control},
    {0x22, Form::control, Kind::write_control},
    {0x30, Form::plain, Kind::wrmsr},
    {0x32, Form::plain, Kind::rdmsr},
    {0xa2, Form::plain, Kind::cpuid},
    {0xb6, Form::memory, Kind::load_zero, 1},
    {0xb7, Form::memory, Kind::load_zero, 2},
    {0xbe, Form::memory, Kind::load_sign, 1},
    {0xbf, Form::memory, Kind::load_sign, 2},
};

/// The same rows, found by their opcode in one step.
template <size_t count>
constexpr std::array<Opcode, 256> by_code(const Opcode (&rows)[count]) {
    std::array<Opcode, 256> table{};
    for (const Opcode& row : rows)
        table[row.code] = row;
    return table;
}

inline constexpr std::array<Opcode, 256> one_byte_map = by_code(one_byte_opcodes);
inline constexpr std::array<Opcode, 256> two_byte_map = by_code(two_byte_opcodes);

}  // namespace hv::x86

// What the decoder found, written as an assembler would: so that tests compare text.
#pragma once

#include <cstdio>
#include <string>
#include <x86/decode.hpp>

namespace hv::test {

using x86::Instruction;

/// The name of general register `number` when `size` bytes of it are meant.
inline std::string register_name(u8 number, u8 size, bool high_byte = false) {
    static const char* const words[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char* const highs[] = {"ah", "ch", "dh", "bh"};
    static const char* const lows[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    if (high_byte)
        return highs[number];
    static const char* const suffixes[] = {"", "b", "w", "", "d", "", "", "", ""};
    if (number >= 8)
        return "r" + std::to_string(number) + suffixes[size];
    if (size == 1)
        return lows[number];
    return (size == 8 ? "r" : size == 4 ? "e" : "") + std::string{words[number]};
}

inline std::string hexadecimal(u64 value) {
    char text[24];
    snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

/// The whole instruction, but for where its memory lies: "movzx eax, byte".
inline std::string disassemble(const Instruction& it) {
    using Kind = Instruction::Kind;
    const char* const sizes[] = {"", "byte", "word", "", "dword", "", "", "", "qword"};
    const char* const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    const std::string gpr = register_name(it.gpr, it.register_size, it.high_byte);
    const std::string memory = sizes[it.size];
    const std::string rep = it.repeated ? "rep " : "";
    const std::string control = "cr" + std::to_string(it.control);
    const u64 mask = ~0ull >> (64 - 8 * (it.size ? it.size : 8));

    switch (it.kind) {
    case Kind::load: return "mov " + gpr + ", " + memory;
    case Kind::store: return "mov " + memory + ", " + gpr;
    case Kind::store_immediate: return "mov " + memory + ", " + hexadecimal(it.immediate & mask);
    case Kind::compare: return "cmp " + memory + ", " + gpr;
    case Kind::compare_from: return "cmp " + gpr + ", " + memory;
    case Kind::compare_immediate:
        return "cmp " + memory + ", " + hexadecimal(it.immediate & mask);
    case Kind::load_zero: return "movzx " + gpr + ", " + memory;
    case Kind::load_sign: return "movsx " + gpr + ", " + memory;
    case Kind::store_string: return rep + "stos " + memory + ", " + gpr;
    case Kind::move_string:
        return rep + "movs " + memory + " " + segments[static_cast<int>(it.segment)];
    case Kind::read_control: return "mov " + gpr + ", " + control;
    case Kind::write_control: return "mov " + control + ", " + gpr;
    }
    return "?";
}

}  // namespace hv::test

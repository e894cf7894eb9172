// What the decoder found, written as an assembler would: so that tests compare text.
#pragma once

#include <cstdio>
#include <string>
#include <x86/decode.hpp>

namespace hv::test {

using x86::EffectiveAddress;
using x86::Instruction;

/// The name of general register `number` when `size` bytes of it are meant.
inline std::string register_name(u8 number, u8 size, bool high_byte = false) {
    static const char* const words[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char* const highs[] = {"ah", "ch", "dh", "bh"};
    static const char* const lows[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    if (number == x86::register_rip)
        return size == 4 ? "eip" : "rip";
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

/// Every part is told, with the segment always: "ds:[rbx+rcx*4-0x10]".
inline std::string address_name(const EffectiveAddress& memory) {
    static const char* const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    std::string text = std::string{segments[static_cast<int>(memory.segment)]} + ":[";
    const size_t start = text.size();
    if (memory.base != x86::no_register)
        text += register_name(memory.base, memory.address_size);
    if (memory.index != x86::no_register) {
        text += (text.size() > start ? "+" : "") + register_name(memory.index, memory.address_size);
        if (memory.address_size > 2)
            text += "*" + std::to_string(memory.scale);
    }
    const u64 distance = static_cast<u64>(memory.displacement);
    if (text.size() == start) {
        const u64 mask = ~0ull >> (64 - 8 * memory.address_size);
        text += hexadecimal(distance & mask);
    } else if (memory.displacement < 0) {
        text += "-" + hexadecimal(0 - distance);
    } else if (memory.displacement > 0) {
        text += "+" + hexadecimal(distance);
    }
    return text + "]";
}

/// The whole instruction: "movzx eax, byte ds:[rdi]".
inline std::string disassemble(const Instruction& it) {
    using Kind = Instruction::Kind;
    const char* const sizes[] = {"", "byte ", "word ", "", "dword ", "", "", "", "qword "};
    const std::string gpr =
        it.gpr == x86::no_register ? "" : register_name(it.gpr, it.register_size, it.high_byte);
    const std::string memory = it.in_memory ? sizes[it.size] + address_name(it.memory) : "";
    const std::string rep = it.repeated ? "rep " : "";
    const std::string control = "cr" + std::to_string(it.control);
    const std::string port = it.port_in_dx ? "dx" : hexadecimal(it.port);
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
    case Kind::move_string: return rep + "movs " + memory;
    case Kind::input_string: return rep + "ins " + memory + ", " + port;
    case Kind::output_string: return rep + "outs " + port + ", " + memory;
    case Kind::input: return "in " + gpr + ", " + port;
    case Kind::output: return "out " + port + ", " + gpr;
    case Kind::read_control: return "mov " + gpr + ", " + control;
    case Kind::write_control: return "mov " + control + ", " + gpr;
    case Kind::clear_task_switched: return "clts";
    case Kind::load_status_word: return "lmsw " + (it.in_memory ? memory : gpr);
    case Kind::cpuid: return "cpuid";
    case Kind::rdmsr: return "rdmsr";
    case Kind::wrmsr: return "wrmsr";
    case Kind::hlt: return "hlt";
    case Kind::vmcall: return "vmcall";
    case Kind::vmmcall: return "vmmcall";
    case Kind::wbinvd: return "wbinvd";
    case Kind::invd: return "invd";
    case Kind::xsetbv: return "xsetbv";
    case Kind::pause: return "pause";
    }
    return "?";
}

}  // namespace hv::test

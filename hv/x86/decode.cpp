// The decoder: prefixes, opcode, ModRM and SIB, displacement, immediate, in the order of the bytes.
#include <x86/decode.hpp>

namespace hv::x86 {
namespace {

using Kind = Instruction::Kind;

constexpr size_t longest = 15;

/// What follows an opcode, and which operands it spells.
enum class Form : u8 {
    memory,        ///< ModRM: memory and a register
    immediate,     ///< ModRM: memory and, as register, a digit (0: MOV, 7: CMP); then an immediate
    offset,        ///< an address of the full address size; the register is rAX
    string,        ///< nothing: rAX, rSI, rDI and rCX are understood
    control,       ///< ModRM: a control register and a general register
};

struct Opcode {
    u16 code;     ///< 0x0f and the byte after it, or one byte
    Form form;
    Kind kind;
    u8 size = 0;  ///< bytes of the operand in memory; 0: the operand size
};

/// The opcodes that the decoder knows, in the order of Intel's opcode map.
constexpr Opcode opcodes[] = {
    {0x38, Form::memory, Kind::compare, 1},
    {0x39, Form::memory, Kind::compare},
    {0x3a, Form::memory, Kind::compare_from, 1},
    {0x3b, Form::memory, Kind::compare_from},
    {0x63, Form::memory, Kind::load_sign, 4},  // MOVSXD, in 64-bit code only
    {0x80, Form::immediate, Kind::compare_immediate, 1},
    {0x81, Form::immediate, Kind::compare_immediate},
    {0x83, Form::immediate, Kind::compare_immediate},
    {0x88, Form::memory, Kind::store, 1},
    {0x89, Form::memory, Kind::store},
    {0x8a, Form::memory, Kind::load, 1},
    {0x8b, Form::memory, Kind::load},
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
    {0x0f20, Form::control, Kind::read_control},
    {0x0f22, Form::control, Kind::write_control},
    {0x0fb6, Form::memory, Kind::load_zero, 1},
    {0x0fb7, Form::memory, Kind::load_zero, 2},
    {0x0fbe, Form::memory, Kind::load_sign, 1},
    {0x0fbf, Form::memory, Kind::load_sign, 2},
};

const Opcode* find_opcode(u16 code) {
    for (const Opcode& opcode : opcodes)
        if (opcode.code == code)
            return &opcode;
    return nullptr;
}

/// The bytes, one after the other. Beyond their end it reads zeros, and remembers that it did.
class Cursor {
public:
    explicit Cursor(std::span<const u8> code)
        : code_{code.first(code.size() < longest ? code.size() : longest)} {}

    u8 peek() const { return at_ < code_.size() ? code_[at_] : 0; }
    u8 next() {
        const u8 byte = peek();
        ran_out_ = ran_out_ || at_ == code_.size();
        at_ += !ran_out_;
        return byte;
    }
    /// `bytes` (1 to 8) of a little-endian number, sign extended; also to pass over it.
    s64 number(unsigned bytes) {
        u64 value = next();
        for (unsigned i = 1; i < bytes; ++i)
            value |= static_cast<u64>(next()) << 8 * i;
        const unsigned unused = 64 - 8 * bytes;
        return static_cast<s64>(value << unused) >> unused;
    }
    bool ran_out() const { return ran_out_; }
    u8 position() const { return static_cast<u8>(at_); }

private:
    std::span<const u8> code_;
    size_t at_ = 0;
    bool ran_out_ = false;
};

struct ModRm {
    explicit ModRm(u8 byte) : mode(byte >> 6), reg(byte >> 3 & 7), rm(byte & 7) {}
    u8 mode, reg, rm;
};

class Decoder {
public:
    Decoder(std::span<const u8> code, CodeSize code_size)
        : cursor_{code}, is_64_{code_size == CodeSize::bits64},
          is_16_{code_size == CodeSize::bits16} {}

    Result<Instruction> decode() {
        read_prefixes();
        const u8 first = cursor_.next();
        const Opcode* opcode =
            find_opcode(first == 0x0f ? static_cast<u16>(0x0f00 | cursor_.next()) : first);

        // None of ours may be locked: the CPU raises #UD (or AMD's reads another register)
        const bool known = opcode && read_operands(*opcode) && !lock_;
        if (cursor_.ran_out())
            return Error{XEN_EINVAL};
        if (!known)
            return Error{XEN_EOPNOTSUPP};
        result_.length = cursor_.position();
        return result_;
    }

private:
    // Prefixes

    void read_prefixes() {
        for (;; cursor_.next()) {
            const u8 byte = cursor_.peek();
            // REX counts only right before the opcode
            const bool is_rex = is_64_ && (byte & 0xf0) == 0x40;
            if (!is_rex && !read_legacy_prefix(byte))
                return;
            rex_ = is_rex ? byte : 0;
        }
    }

    bool read_legacy_prefix(u8 byte) {
        switch (byte) {
        case 0x66: operand_size_prefix_ = true; return true;
        case 0x67: address_size_prefix_ = true; return true;
        case 0xf0: lock_ = true; return true;
        case 0xf2:
        case 0xf3: result_.repeated = true; return true;
        // 64-bit code has FS and GS only; the other segments' prefixes say nothing
        case 0x26: return is_64_ || read_segment(SegmentName::es);
        case 0x2e: return is_64_ || read_segment(SegmentName::cs);
        case 0x36: return is_64_ || read_segment(SegmentName::ss);
        case 0x3e: return is_64_ || read_segment(SegmentName::ds);
        case 0x64: return read_segment(SegmentName::fs);
        case 0x65: return read_segment(SegmentName::gs);
        default: return false;
        }
    }

    bool read_segment(SegmentName name) {
        result_.segment = name;
        return true;
    }

    u8 operand_size() const {
        const bool wide = rex_ & 8;
        return wide ? 8 : is_16_ == operand_size_prefix_ ? 4 : 2;
    }

    u8 address_size() const {
        if (is_64_)
            return address_size_prefix_ ? 4 : 8;
        return is_16_ == address_size_prefix_ ? 4 : 2;
    }

    u8 extended_reg(const ModRm& mod_rm) const { return mod_rm.reg | (rex_ & 4 ? 8 : 0); }
    u8 extended_rm(const ModRm& mod_rm) const { return mod_rm.rm | (rex_ & 1 ? 8 : 0); }

    // Operands, one function for each form

    bool read_operands(const Opcode& opcode) {
        result_.kind = opcode.kind;
        result_.size = result_.register_size = opcode.size > 0 ? opcode.size : operand_size();
        result_.address_size = address_size();
        switch (opcode.form) {
        case Form::memory: return read_register_and_memory(opcode);
        case Form::immediate: return read_immediate_to_memory(opcode);
        case Form::offset: cursor_.number(address_size()); return true;
        case Form::string: return true;
        case Form::control: return read_control();
        }
        return false;
    }

    bool read_register_and_memory(const Opcode& opcode) {
        if (opcode.kind == Kind::load_zero || opcode.kind == Kind::load_sign)
            result_.register_size = operand_size();
        // MOVSXD: 0x63 is another instruction outside of 64-bit code, and odd with a 16-bit
        // register
        if (opcode.code == 0x63 && (!is_64_ || operand_size() == 2))
            return false;
        const ModRm mod_rm{cursor_.next()};
        // Without REX, byte registers 4 to 7 are AH, CH, DH and BH
        result_.gpr = extended_reg(mod_rm);
        result_.high_byte = result_.register_size == 1 && rex_ == 0 && result_.gpr >= 4;
        if (result_.high_byte)
            result_.gpr -= 4;
        return skip_memory(mod_rm);
    }

    bool read_immediate_to_memory(const Opcode& opcode) {
        const ModRm mod_rm{cursor_.next()};
        if (mod_rm.reg != (opcode.kind == Kind::compare_immediate ? 7 : 0) || !skip_memory(mod_rm))
            return false;
        // Never longer than four bytes, and one byte after 0x83: the sign is extended
        const unsigned bytes = opcode.code == 0x83 ? 1 : result_.size < 4 ? result_.size : 4;
        result_.immediate = static_cast<u64>(cursor_.number(bytes));
        return true;
    }

    bool read_control() {
        // Always a register, whatever ModRM.mod says
        const ModRm mod_rm{cursor_.next()};
        result_.control = extended_reg(mod_rm);
        result_.gpr = extended_rm(mod_rm);
        result_.size = result_.register_size = is_64_ ? 8 : 4;
        constexpr u32 existing = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;
        return existing >> result_.control & 1;
    }

    /// Passes over the SIB byte and the displacement. False: the operand is a register.
    bool skip_memory(const ModRm& mod_rm) {
        if (mod_rm.mode == 3)
            return false;
        const bool is_short = address_size() == 2;
        const bool has_sib = !is_short && mod_rm.rm == 4;
        const u8 base = has_sib ? ModRm{cursor_.next()}.rm : mod_rm.rm;
        const bool no_base = mod_rm.mode == 0 && base == (is_short ? 6 : 5);
        if (no_base || mod_rm.mode == 2)
            cursor_.number(is_short ? 2 : 4);
        else if (mod_rm.mode == 1)
            cursor_.number(1);
        return true;
    }

    Cursor cursor_;
    const bool is_64_, is_16_;
    bool operand_size_prefix_ = false, address_size_prefix_ = false, lock_ = false;
    u8 rex_ = 0;  ///< 0: none
    Instruction result_{};
};

}  // namespace

Result<Instruction> decode(std::span<const u8> code, CodeSize code_size) {
    return Decoder{code, code_size}.decode();
}

}  // namespace hv::x86

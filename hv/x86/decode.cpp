// The decoder: prefixes, opcode, ModRM and SIB, displacement, immediate, in the order of the bytes.
#include <x86/decode.hpp>
#include <x86/decode_table.hpp>

namespace hv::x86 {
namespace {

constexpr size_t longest = 15;
constexpr u8 gpr_rax = 0, gpr_rsp = 4, gpr_rbp = 5, gpr_rsi = 6, gpr_rdi = 7;

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
    /// `bytes` of a little-endian number, sign extended.
    s64 number(unsigned bytes) {
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i)
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

struct Prefixes {
    bool operand_size = false, address_size = false;
    bool lock = false, repeat = false, repeat_not_equal = false;
    bool has_segment = false;
    SegmentName segment = SegmentName::ds;
    u8 rex = 0;  ///< 0: none
    bool wide() const { return rex & 8; }
    u8 reg() const { return rex & 4 ? 8 : 0; }    ///< what REX adds to ModRM.reg,
    u8 index() const { return rex & 2 ? 8 : 0; }  ///< to SIB.index,
    u8 base() const { return rex & 1 ? 8 : 0; }   ///< and to ModRM.rm or SIB.base
    bool any_mandatory() const { return operand_size || repeat || repeat_not_equal; }
};

struct ModRm {
    u8 mode = 0, reg = 0, rm = 0;
    bool is_memory() const { return mode != 3; }
};

class Decoder {
public:
    Decoder(std::span<const u8> code, CodeSize code_size)
        : cursor_{code}, is_64_{code_size == CodeSize::bits64},
          is_16_{code_size == CodeSize::bits16} {}

    Result<Instruction> decode();

private:
    void read_prefixes();
    bool read_segment_prefix(u8 byte);
    u8 operand_size() const;
    u8 address_size() const;
    ModRm read_mod_rm();
    void read_memory(const ModRm& mod_rm);
    void read_memory_16(const ModRm& mod_rm);
    void read_sib(const ModRm& mod_rm);
    void set_base(u8 base, unsigned displacement_bytes);
    void set_register(u8 number);
    bool read_operands(const Opcode& opcode);
    bool read_register_and_memory(const Opcode& opcode);
    bool read_immediate_to_memory(const Opcode& opcode);
    void read_offset();
    void name_string_memory();
    void read_port(const Opcode& opcode);
    bool read_control();
    bool read_group_0f01();

    Cursor cursor_;
    const bool is_64_, is_16_;
    Prefixes prefixes_{};
    Instruction result_{};
};

Result<Instruction> Decoder::decode() {
    read_prefixes();
    const u8 first = cursor_.next();
    const Opcode& opcode = first == 0x0f ? two_byte_map[cursor_.next()] : one_byte_map[first];

    // None of ours may be locked: the CPU raises #UD (or AMD's reads another register)
    result_.kind = opcode.kind;
    const bool known = read_operands(opcode) && !prefixes_.lock;
    if (cursor_.ran_out())
        return Error{XEN_EINVAL};
    if (!known)
        return Error{XEN_EOPNOTSUPP};
    result_.length = cursor_.position();
    return result_;
}

// Prefixes

void Decoder::read_prefixes() {
    for (;; cursor_.next()) {
        const u8 byte = cursor_.peek();
        // REX counts only right before the opcode
        if (is_64_ && (byte & 0xf0) == 0x40) {
            prefixes_.rex = byte;
            continue;
        }
        if (byte == 0x66)
            prefixes_.operand_size = true;
        else if (byte == 0x67)
            prefixes_.address_size = true;
        else if (byte == 0xf0)
            prefixes_.lock = true;
        else if (byte == 0xf2)
            prefixes_.repeat_not_equal = true;
        else if (byte == 0xf3)
            prefixes_.repeat = true;
        else if (!read_segment_prefix(byte))
            return;
        prefixes_.rex = 0;
    }
}

bool Decoder::read_segment_prefix(u8 byte) {
    constexpr u8 codes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    for (u8 name = 0; name < sizeof codes; ++name) {
        if (byte != codes[name])
            continue;
        // 64-bit code has FS and GS only; the others say nothing
        if (!is_64_ || byte >= 0x64) {
            prefixes_.has_segment = true;
            prefixes_.segment = static_cast<SegmentName>(name);
        }
        return true;
    }
    return false;
}

u8 Decoder::operand_size() const {
    if (prefixes_.wide())
        return 8;
    return is_16_ == prefixes_.operand_size ? 4 : 2;
}

u8 Decoder::address_size() const {
    if (is_64_)
        return prefixes_.address_size ? 4 : 8;
    return is_16_ == prefixes_.address_size ? 4 : 2;
}

// Memory operands

ModRm Decoder::read_mod_rm() {
    const u8 byte = cursor_.next();
    return {static_cast<u8>(byte >> 6), static_cast<u8>(byte >> 3 & 7),
            static_cast<u8>(byte & 7)};
}

void Decoder::read_memory(const ModRm& mod_rm) {
    result_.in_memory = true;
    result_.memory.address_size = address_size();
    if (address_size() == 2)
        return read_memory_16(mod_rm);
    if (mod_rm.rm == gpr_rsp)
        return read_sib(mod_rm);
    if (mod_rm.mode == 0 && mod_rm.rm == gpr_rbp)
        return set_base(is_64_ ? register_rip : no_register, 4);
    const unsigned displacement = mod_rm.mode == 1 ? 1 : mod_rm.mode == 2 ? 4 : 0;
    set_base(mod_rm.rm | prefixes_.base(), displacement);
}

void Decoder::read_memory_16(const ModRm& mod_rm) {
    constexpr u8 bx = 3, bp = gpr_rbp, si = gpr_rsi, di = gpr_rdi, none = no_register;
    constexpr u8 bases[] = {bx, bx, bp, bp, si, di, bp, bx};
    constexpr u8 indices[] = {si, di, si, di, none, none, none, none};
    if (mod_rm.mode == 0 && mod_rm.rm == 6)
        return set_base(none, 2);
    result_.memory.index = indices[mod_rm.rm];
    set_base(bases[mod_rm.rm], mod_rm.mode);
}

void Decoder::read_sib(const ModRm& mod_rm) {
    const ModRm sib = read_mod_rm();  // the same three fields: scale, index, base
    const u8 index = sib.reg | prefixes_.index();
    if (index != gpr_rsp) {
        result_.memory.index = index;
        result_.memory.scale = static_cast<u8>(1 << sib.mode);
    }
    if (mod_rm.mode == 0 && sib.rm == gpr_rbp)
        return set_base(no_register, 4);
    const unsigned displacement = mod_rm.mode == 1 ? 1 : mod_rm.mode == 2 ? 4 : 0;
    set_base(sib.rm | prefixes_.base(), displacement);
}

/// The base decides the segment, unless a prefix does: rSP and rBP are of the stack.
void Decoder::set_base(u8 base, unsigned displacement_bytes) {
    EffectiveAddress& memory = result_.memory;
    memory.base = base;
    memory.displacement = displacement_bytes > 0 ? cursor_.number(displacement_bytes) : 0;
    const bool stack = base == gpr_rsp || base == gpr_rbp;
    memory.segment = prefixes_.has_segment ? prefixes_.segment
                     : stack               ? SegmentName::ss
                                           : SegmentName::ds;
}

/// Without REX, byte registers 4 to 7 are AH, CH, DH and BH.
void Decoder::set_register(u8 number) {
    result_.high_byte = result_.register_size == 1 && prefixes_.rex == 0 && number >= 4;
    result_.gpr = result_.high_byte ? number - 4 : number;
}

// Operands, one function for each form

bool Decoder::read_operands(const Opcode& opcode) {
    result_.size = opcode.size > 0 ? opcode.size : operand_size();
    result_.address_size = address_size();
    switch (opcode.form) {
    case Form::unknown: return false;
    case Form::plain: return true;
    case Form::memory: return read_register_and_memory(opcode);
    case Form::immediate: return read_immediate_to_memory(opcode);
    case Form::offset: read_offset(); return true;
    case Form::string: name_string_memory(); return true;
    case Form::port: read_port(opcode); return true;
    case Form::control: return read_control();
    case Form::group_0f01: return read_group_0f01();
    case Form::pause: return prefixes_.repeat && prefixes_.base() == 0;
    }
    return false;
}

bool Decoder::read_register_and_memory(const Opcode& opcode) {
    const bool extends = opcode.kind == Kind::load_zero || opcode.kind == Kind::load_sign;
    result_.register_size = extends ? operand_size() : result_.size;
    // MOVSXD: 0x63 is another instruction outside of 64-bit code, and odd with a 16-bit register
    if (opcode.code == 0x63 && (!is_64_ || operand_size() == 2))
        return false;
    const ModRm mod_rm = read_mod_rm();
    if (!mod_rm.is_memory())
        return false;
    set_register(mod_rm.reg | prefixes_.reg());
    read_memory(mod_rm);
    return true;
}

bool Decoder::read_immediate_to_memory(const Opcode& opcode) {
    const u8 digit = opcode.kind == Kind::compare_immediate ? 7 : 0;
    const ModRm mod_rm = read_mod_rm();
    if (!mod_rm.is_memory() || mod_rm.reg != digit)
        return false;
    read_memory(mod_rm);
    // Never longer than four bytes, and one byte after 0x83: the sign is extended
    const unsigned bytes = opcode.code == 0x83 ? 1 : result_.size < 4 ? result_.size : 4;
    result_.immediate = static_cast<u64>(cursor_.number(bytes));
    return true;
}

void Decoder::read_offset() {
    result_.register_size = result_.size;
    result_.gpr = gpr_rax;
    result_.in_memory = true;
    result_.memory.address_size = address_size();
    set_base(no_register, address_size());
}

void Decoder::name_string_memory() {
    const bool at_di = result_.kind == Kind::store_string || result_.kind == Kind::input_string;
    const bool port = result_.kind == Kind::input_string || result_.kind == Kind::output_string;
    result_.repeated = prefixes_.repeat || prefixes_.repeat_not_equal;
    result_.in_memory = true;
    result_.memory.address_size = address_size();
    set_base(at_di ? gpr_rdi : gpr_rsi, 0);
    if (at_di)
        result_.memory.segment = SegmentName::es;  // which no prefix changes
    if (result_.kind == Kind::store_string) {
        result_.register_size = result_.size;
        result_.gpr = gpr_rax;
    }
    result_.port_in_dx = port;
    if (port && result_.size == 8)
        result_.size = 4;
}

void Decoder::read_port(const Opcode& opcode) {
    // Ports are at most four bytes wide: REX.W says nothing
    if (result_.size == 8)
        result_.size = 4;
    result_.register_size = result_.size;
    result_.gpr = gpr_rax;
    result_.port_in_dx = opcode.code & 8;
    if (!result_.port_in_dx)
        result_.port = cursor_.next();
}

bool Decoder::read_control() {
    // Always a register, whatever ModRM.mod says
    const ModRm mod_rm = read_mod_rm();
    result_.control = mod_rm.reg | prefixes_.reg();
    result_.gpr = mod_rm.rm | prefixes_.base();
    result_.size = result_.register_size = is_64_ ? 8 : 4;
    constexpr u32 existing = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;
    return existing >> result_.control & 1;
}

bool Decoder::read_group_0f01() {
    const ModRm mod_rm = read_mod_rm();
    // LMSW: 16 bits, from a register or from memory
    if (mod_rm.reg == 6) {
        if (mod_rm.is_memory()) {
            read_memory(mod_rm);
        } else {
            result_.register_size = 2;
            set_register(mod_rm.rm | prefixes_.base());
        }
        return true;
    }
    // Three that are spelled as if they had a register; a prefix would make them something else
    if (mod_rm.is_memory() || prefixes_.any_mandatory())
        return false;
    switch (mod_rm.reg << 3 | mod_rm.rm) {
    case 0001: result_.kind = Kind::vmcall; return true;
    case 0021: result_.kind = Kind::xsetbv; return true;
    case 0031: result_.kind = Kind::vmmcall; return true;
    default: return false;
    }
}

}  // namespace

Result<Instruction> decode(std::span<const u8> code, CodeSize code_size) {
    return Decoder{code, code_size}.decode();
}

}  // namespace hv::x86

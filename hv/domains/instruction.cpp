// Reading a guest's instruction: where its code is, how much of it can be read, what it says.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/instruction.hpp>
#include <x86/bits.hpp>

namespace hv {
namespace {

using x86::SegmentName;

x86::CodeSize code_size(const x86::CpuState& state) {
    if (state.efer & x86::EFER_LMA && state.cs.long_code())
        return x86::CodeSize::bits64;
    return state.cs.big() ? x86::CodeSize::bits32 : x86::CodeSize::bits16;
}

u64 base_of(const x86::CpuState& state, SegmentName name) {
    switch (name) {
    case SegmentName::es: return state.es.base;
    case SegmentName::cs: return state.cs.base;
    case SegmentName::ss: return state.ss.base;
    case SegmentName::fs: return state.fs.base;
    case SegmentName::gs: return state.gs.base;
    default: return state.ds.base;
    }
}

}  // namespace

u64 linear_address(const x86::CpuState& state, SegmentName segment, u64 offset) {
    if (code_size(state) != x86::CodeSize::bits64)
        return static_cast<u32>(base_of(state, segment) + offset);
    const bool has_base = segment == SegmentName::fs || segment == SegmentName::gs;
    return has_base ? base_of(state, segment) + offset : offset;
}

Result<x86::Instruction> fetch_instruction(Vcpu& vcpu, const x86::CpuState& state) {
    // Up to the end of the page first: the next one need not be there
    std::array<u8, 15> code{};
    const u64 address = linear_address(state, SegmentName::cs, state.rip);
    const size_t here = std::min<size_t>(code.size(), page_size - (address & page_mask));
    TRY(read_guest(vcpu, code.data(), address, here));
    const size_t beyond = code.size() - here;
    const bool all = beyond == 0 || read_guest(vcpu, &code[here], address + here, beyond).ok();
    return x86::decode(std::span{code}.first(all ? code.size() : here), code_size(state));
}

}  // namespace hv

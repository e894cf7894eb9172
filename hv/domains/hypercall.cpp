// A hypercall in flight: its arguments by the caller's mode, and its caller's memory.
#include <algorithm>
#include <domains/guest_memory.hpp>
#include <domains/household.hpp>
#include <domains/hypercall.hpp>

namespace hv {
namespace {

/// Which general registers hold the arguments, by their numbers in the encoding of instructions.
constexpr unsigned wide_registers[] = {7, 6, 2, 10, 8, 9};   // RDI RSI RDX R10 R8 R9
constexpr unsigned narrow_registers[] = {3, 1, 2, 6, 7, 5};  // EBX ECX EDX ESI EDI EBP

constexpr u64 low_half = 0xffffffff;

}  // namespace

Call::Call(Cpu& on, Vcpu& caller, bool from_64_bit)
    : cpu{on}, vcpu{caller}, domain{caller.domain}, wide{from_64_bit}, nested{false} {}

Call::Call(const Call& outer, const std::array<u64, 6>& arguments)
    : cpu{outer.cpu}, vcpu{outer.vcpu}, domain{outer.domain}, wide{outer.wide}, nested{true},
      arguments_{arguments} {}

u64 Call::argument(unsigned index) const {
    if (nested)
        return arguments_[index];
    return wide ? vcpu.hardware.gpr[wide_registers[index]]
                : vcpu.hardware.gpr[narrow_registers[index]] & low_half;
}

void Call::set_argument(unsigned index, u64 value) {
    if (nested)
        arguments_[index] = value;
    else
        vcpu.hardware.gpr[wide ? wide_registers[index] : narrow_registers[index]] = value;
}

bool Call::should_stop() const { return wanted_elsewhere(cpu); }

Result<> Call::read(void* into, u64 address, size_t bytes) {
    return read_guest(vcpu, into, wide ? address : address & low_half, bytes);
}

Result<> Call::write(u64 address, const void* from, size_t bytes) {
    return write_guest(vcpu, wide ? address : address & low_half, from, bytes);
}

Result<u64> Call::read_long(u64 array, u64 index) {
    u64 value = 0;
    TRY(read_longs({&value, 1}, array, index));
    return value;
}

Result<> Call::read_longs(std::span<u64> into, u64 array, u64 index) {
    if (wide)
        return read(into.data(), array + index * 8, into.size_bytes());
    u32 narrow[8];
    TRY(read(narrow, array + index * 4, into.size() * 4));
    std::copy_n(narrow, into.size(), into.begin());
    return {};
}

Result<> Call::write_long(u64 array, u64 index, u64 value) {
    const size_t size = wide ? 8 : 4;
    return write(array + index * size, &value, size);
}

}  // namespace hv

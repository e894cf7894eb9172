// What a kernel wakes with: the address of its start info, and whatever that leads to.
#pragma once

#include <base/types.hpp>
#include <kit/xen.hpp>
#include <optional>
#include <span>
#include <string.h>
#include <string_view>

namespace survey {

using namespace hv;

/// Memory by physical address, from 0 on: a guest's own, or bytes that play it. An address in it
/// comes from somebody else, and may lead out of it.
using Memory = std::span<const u8>;

/// A copy of the T at `address`; nothing where it does not all lie in `memory`.
template <class T> std::optional<T> copy_at(Memory memory, u64 address) {
    if (!fits(address, sizeof(T), memory.size())) return {};
    T copy;
    memcpy(&copy, memory.data() + address, sizeof copy);
    return copy;
}

/// Copies the start info at `address` into `info`. False where it does not lie in memory, where its
/// magic number is another, or where its version has no memory map yet: version 1 has one.
bool find_start_info(Memory memory, u64 address, hvm_start_info& info);

/// How many bytes of RAM there are, by the memory map. Lines that do not lie in memory count for
/// nothing, however many the start info promises.
u64 measure_ram(Memory memory, const hvm_start_info& info);

/// The command line, up to its NUL or to the end of memory. Empty where there is none: its address
/// is 0, or beyond memory.
std::string_view command_line(Memory memory, const hvm_start_info& info);

/// The sum of the bytes of the first module. 0 where there is no module, or where it does not all
/// lie in memory.
u32 digest_module(Memory memory, const hvm_start_info& info);

}  // namespace survey

// The kinds of record that a vCPU's state is made of, each with its way out and its way in.
#pragma once

#include <domains/domain.hpp>
#include <xen/hvm/save.h>

namespace hv {

/// One kind of record of xen/hvm/save.h. The state is per vCPU: `instance` is the vCPU's number.
struct RecordKind {
    u16 type;                                    ///< HVM_SAVE_CODE
    u16 length;                                  ///< HVM_SAVE_LENGTH
    bool (*save)(Vcpu& vcpu, u8* record);        ///< false: this vCPU has none to save
    Result<> (*load)(Vcpu& vcpu, const u8* record); ///< XEN_EINVAL: not a state that can be
};

inline constexpr size_t longest_record = sizeof(hvm_hw_cpu) > sizeof(hvm_hw_lapic_regs)
                                             ? sizeof(hvm_hw_cpu) : sizeof(hvm_hw_lapic_regs);

/// Every kind, by rising type, which is the order they are saved in.
extern const std::span<const RecordKind> record_kinds;

/// Xen's packed segment attributes (bits 7:0 as in a descriptor, then AVL, L, D/B, G) and ours.
constexpr u32 pack_attributes(u32 ours) { return (ours & 0xff) | (ours >> 4 & 0xf00); }
constexpr u32 unpack_attributes(u32 packed) {
    constexpr u32 present = 1 << 7, unusable = 1 << 16;
    return (packed & 0xff) | (packed & 0xf00) << 4 | (packed & present ? 0 : unusable);
}

/// True for control registers and EFER that a guest may be started with.
bool startable(const x86::CpuState& state);

}  // namespace hv

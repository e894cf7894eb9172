// The VMX instructions, one function each. Bare metal only.
#pragma once

#include <base/types.hpp>
#include <vmx/fields.hpp>

namespace hv::vmx {

/// Ends the machine: a field that this hypervisor uses does not exist, or no VMCS is current.
[[noreturn]] void vmwrite_failed(Field field, u64 value);

/// VMREAD and VMWRITE of the VMCS that is current on this pCPU.
inline u64 vmread(Field field) {
    u64 value;
    asm volatile("vmread %1, %0" : "=r"(value) : "r"(static_cast<u64>(field)) : "cc");
    return value;
}
inline void vmwrite(Field field, u64 value) {
    bool failed;
    asm volatile("vmwrite %1, %2" : "=@ccna"(failed) : "r"(value), "r"(static_cast<u64>(field)));
    if (failed) [[unlikely]]
        vmwrite_failed(field, value);
}

/// VMXON, VMCLEAR and VMPTRLD of a region at a machine address; false when the CPU refuses.
inline bool vmxon(Mpa region) {
    bool failed;
    asm volatile("vmxon %1" : "=@ccna"(failed) : "m"(region.value) : "memory");
    return !failed;
}
inline bool vmclear(Mpa region) {
    bool failed;
    asm volatile("vmclear %1" : "=@ccna"(failed) : "m"(region.value) : "memory");
    return !failed;
}
inline bool vmptrld(Mpa region) {
    bool failed;
    asm volatile("vmptrld %1" : "=@ccna"(failed) : "m"(region.value) : "memory");
    return !failed;
}

/// How much INVEPT and INVVPID forget.
enum class Forget : u64 { one = 1, all = 2 };

/// Forgets the translations of one EPT pointer, or of all.
inline void invept(Forget extent, u64 pointer) {
    const u64 descriptor[2] = {pointer, 0};
    asm volatile("invept %0, %1" ::"m"(descriptor), "r"(extent) : "cc", "memory");
}
/// Forgets the translations of every VPID.
inline void invvpid_all() {
    const u64 descriptor[2] = {};
    asm volatile("invvpid %0, %1" ::"m"(descriptor), "r"(Forget::all) : "cc", "memory");
}

}  // namespace hv::vmx

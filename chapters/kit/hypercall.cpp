// The way down: finding Xen by CPUID, and the calls that every guest makes.
#include "hypercall.hpp"

#include "cpu.hpp"
#include "guest.hpp"

namespace kit {

u32 xen_cpuid_base() {
    for (u32 base = 0x40000000; base < 0x40010000; base += 0x100) {
        CpuidLeaf leaf = cpuid(base);
        bool signed_by_xen = leaf.ebx == XEN_CPUID_SIGNATURE_EBX &&
                             leaf.ecx == XEN_CPUID_SIGNATURE_ECX &&
                             leaf.edx == XEN_CPUID_SIGNATURE_EDX;
        if (signed_by_xen && leaf.eax >= base + 2) return base;
    }
    return 0;
}

bool hypercall_init() {
    u32 base = xen_cpuid_base();
    if (base == 0) return false;
    wrmsr(cpuid(base + 2).ebx, address(hypercall_page));
    return true;
}

Result<void*> show_page(u32 space) {
    const Gfn place = take_address_space(1);
    xen_add_to_physmap wish = {};
    wish.domid = DOMID_SELF;
    wish.space = space;
    wish.gpfn = place.value;
    TRY(memory_op(XENMEM_add_to_physmap, &wish));
    return reinterpret_cast<void*>(address_of(place).value);
}

Result<u64> get_param(u32 index, domid_t domain) {
    xen_hvm_param argument = {};
    argument.domid = domain;
    argument.index = index;
    TRY(hvm_op(HVMOP_get_param, &argument));
    return argument.value;
}

void shut_down(Shutdown reason) {
    sched_shutdown argument = {static_cast<u32>(reason)};
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, address(&argument));
    halt_forever();
}

}  // namespace kit

// hvm_op (xen/hvm/hvm_op.h, xen/hvm/params.h): each parameter read and written, and the rest.
#include "places.hpp"

namespace oracle {
namespace {

template <class T> long hvm(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_hvm_op, command, address(&argument));
}

long get(u32 index, u64& value, u16 domain = DOMID_SELF) {
    xen_hvm_param wish = {domain, 0, index, 0};
    const long result = hvm(HVMOP_get_param, wish);
    value = wish.value;
    return result;
}

long set(u32 index, u64 value, u16 domain = DOMID_SELF) {
    xen_hvm_param wish = {domain, 0, index, value};
    return hvm(HVMOP_set_param, wish);
}

/// These would take the console, the store and the upcall from under the kit; a wrong task segment
/// is its asker's death.
bool is_ours(u32 index) {
    return index == HVM_PARAM_CALLBACK_IRQ || index == HVM_PARAM_STORE_EVTCHN ||
           index == HVM_PARAM_CONSOLE_EVTCHN || index == HVM_PARAM_VM86_TSS ||
           index == HVM_PARAM_VM86_TSS_SIZED;
}

void ask_parameters() {
    for (u32 index = 0; index < HVM_NR_PARAMS + 2; index++) {
        u64 value = 0;
        const auto name = words("{}", index);
        const long got = get(index, value);
        tell("hvm.get", name, got);
        if (got == 0 && !is_ours(index)) tell("hvm.get, value", name, hex(value));
        if (is_ours(index)) continue;
        tell("hvm.set to 0", name, set(index, 0));
        tell("hvm.set to all ones", name, set(index, ~0ull));
        if (got == 0) (void)set(index, value);
    }
    u64 value = 0;
    tell("hvm.get: all ones", get(~0u, value));
    tell("hvm.get: of dom0", get(HVM_PARAM_CONSOLE_PFN, value, 0));
    tell("hvm.get: of nobody", get(HVM_PARAM_CONSOLE_PFN, value, 9999));
    tell("hvm.set: of dom0", set(HVM_PARAM_CONSOLE_PFN, 0, 0));
    tell("hvm.set: of nobody", set(HVM_PARAM_CONSOLE_PFN, 0, 9999));
    for (const u64 type : {0ull, 1ull, 2ull, 3ull, 255ull})
        tell("hvm.callback of type", words("{}", type), set(HVM_PARAM_CALLBACK_IRQ, type << 56));
    tell("hvm.callback: vector 3", set(HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 3));
    tell("hvm.callback: none", set(HVM_PARAM_CALLBACK_IRQ, 0));
}

void ask_upcall_vectors() {
    for (const u8 vector : {0, 0xf, 0x10, 0x7f}) {
        xen_hvm_evtchn_upcall_vector wish = {0, vector};
        if (vector < 0x10)
            tell("hvm.upcall vector", words("{}", vector),
                 hvm(HVMOP_set_evtchn_upcall_vector, wish));
    }
    xen_hvm_evtchn_upcall_vector wish = {2, 0x40};
    tell("hvm.upcall vector: vCPU 2", hvm(HVMOP_set_evtchn_upcall_vector, wish));
    wish.vcpu = ~0u;
    tell("hvm.upcall vector: vCPU of all ones", hvm(HVMOP_set_evtchn_upcall_vector, wish));
    wish = {1, 0x40};
    tell("hvm.upcall vector: vCPU 1", hvm(HVMOP_set_evtchn_upcall_vector, wish));
}

void ask_memory_types() {
    struct Case {
        std::string_view name;
        u16 domain;
        u64 gfn;
    };
    for (const auto& [name, domain, gfn] :
         {Case{"RAM", DOMID_SELF, 0x100}, {"a hole", DOMID_SELF, 0x60000},
          {"a special page", DOMID_SELF, 0xfeffc}, {"the local APIC", DOMID_SELF, 0xfee00},
          {"2^36", DOMID_SELF, 1ull << 36}, {"all ones", DOMID_SELF, ~0ull}, {"dom0's", 0, 0x100},
          {"nobody's", 9999, 0x100}}) {
        xen_hvm_get_mem_type wish = {domain, 99, {}, gfn};
        wish.pfn = gfn;
        tell("hvm.memory type of", name, hvm(HVMOP_get_mem_type, wish));
        tell("hvm.memory type is", name, wish.mem_type);
    }
}

}  // namespace

void ask_hvm() {
    ask_parameters();
    ask_upcall_vectors();
    ask_memory_types();
    tell("hvm.flush TLBs", hypercall(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, 0));
    tell("hvm.flush TLBs: with a pointer",
         hypercall(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, window()));
    u64 zeros[16] = {};
    for (u32 command = 2; command < 28; command++) {
        if (command == HVMOP_set_evtchn_upcall_vector) continue;
        tell("hvm.zeros", words("command {}", command), hvm(command, zeros));
        memset(zeros, 0, sizeof zeros);
    }
    for (u32 command = 0; command < 28; command++)
        tell("hvm.absent", words("command {}", command),
             hypercall(__HYPERVISOR_hvm_op, command, absent_page()));
    tell("hvm.command: all ones", hypercall(__HYPERVISOR_hvm_op, ~0u, 0));
    const xen_hvm_param wish = {DOMID_SELF, 0, HVM_PARAM_CONSOLE_PFN, 0};
    tell_at_places("hvm.get at", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, at);
    });
}

}  // namespace oracle

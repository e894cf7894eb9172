// The verbs that look into a domain: its memory, its vCPUs, their registers.
#include "verbs.hpp"

#include <string.h>

namespace dom0 {
namespace {

constexpr u64 most_read = 32 * KiB;

/// Calls `visit` with each piece of guest physical memory [gpa, gpa + count), mapped.
template <class Visit> Result<> each_page(u16 domain, u64 gpa, u64 count, Visit visit) {
    while (count > 0) {
        const u64 offset = gpa % page_size;
        const u64 piece = count < page_size - offset ? count : page_size - offset;
        auto page = TRY(MappedPage::map(domain, Gfn{gpa >> page_shift}));
        visit(page.template as<char>() + offset, piece);
        gpa += piece;
        count -= piece;
    }
    return {};
}

struct Register {
    std::string_view name;
    u64 hvm_hw_cpu::*wide;
};

constexpr Register wide_registers[] = {
    {"rax", &hvm_hw_cpu::rax}, {"rbx", &hvm_hw_cpu::rbx}, {"rcx", &hvm_hw_cpu::rcx},
    {"rdx", &hvm_hw_cpu::rdx}, {"rbp", &hvm_hw_cpu::rbp}, {"rsi", &hvm_hw_cpu::rsi},
    {"rdi", &hvm_hw_cpu::rdi}, {"rsp", &hvm_hw_cpu::rsp}, {"r8", &hvm_hw_cpu::r8},
    {"r9", &hvm_hw_cpu::r9},   {"r10", &hvm_hw_cpu::r10}, {"r11", &hvm_hw_cpu::r11},
    {"r12", &hvm_hw_cpu::r12}, {"r13", &hvm_hw_cpu::r13}, {"r14", &hvm_hw_cpu::r14},
    {"r15", &hvm_hw_cpu::r15}, {"rip", &hvm_hw_cpu::rip}, {"rflags", &hvm_hw_cpu::rflags},
    {"cr0", &hvm_hw_cpu::cr0}, {"cr2", &hvm_hw_cpu::cr2}, {"cr3", &hvm_hw_cpu::cr3},
    {"cr4", &hvm_hw_cpu::cr4}, {"dr0", &hvm_hw_cpu::dr0}, {"dr1", &hvm_hw_cpu::dr1},
    {"dr2", &hvm_hw_cpu::dr2}, {"dr3", &hvm_hw_cpu::dr3}, {"dr6", &hvm_hw_cpu::dr6},
    {"dr7", &hvm_hw_cpu::dr7}, {"cs_base", &hvm_hw_cpu::cs_base},
    {"ds_base", &hvm_hw_cpu::ds_base}, {"es_base", &hvm_hw_cpu::es_base},
    {"fs_base", &hvm_hw_cpu::fs_base}, {"gs_base", &hvm_hw_cpu::gs_base},
    {"ss_base", &hvm_hw_cpu::ss_base}, {"tr_base", &hvm_hw_cpu::tr_base},
    {"idtr_base", &hvm_hw_cpu::idtr_base}, {"gdtr_base", &hvm_hw_cpu::gdtr_base},
    {"shadow_gs", &hvm_hw_cpu::shadow_gs}, {"efer", &hvm_hw_cpu::msr_efer},
    {"star", &hvm_hw_cpu::msr_star}, {"lstar", &hvm_hw_cpu::msr_lstar},
    {"tsc", &hvm_hw_cpu::tsc},
};

struct Selector {
    std::string_view name;
    u32 hvm_hw_cpu::*narrow;
};

constexpr Selector narrow_registers[] = {
    {"cs", &hvm_hw_cpu::cs_sel}, {"ds", &hvm_hw_cpu::ds_sel}, {"es", &hvm_hw_cpu::es_sel},
    {"fs", &hvm_hw_cpu::fs_sel}, {"gs", &hvm_hw_cpu::gs_sel}, {"ss", &hvm_hw_cpu::ss_sel},
    {"tr", &hvm_hw_cpu::tr_sel}, {"cs_ar", &hvm_hw_cpu::cs_arbytes},
};

/// Finds the CPU record of one vCPU in a saved context (xen/hvm/save.h).
Result<hvm_hw_cpu> find_cpu(std::span<const u8> context, u64 vcpu) {
    for (size_t at = 0; fits(at, sizeof(hvm_save_descriptor), context.size());) {
        hvm_save_descriptor record;
        memcpy(&record, context.data() + at, sizeof record);
        at += sizeof record;
        if (!fits(at, record.length, context.size())) break;
        hvm_hw_cpu cpu;
        if (record.typecode == HVM_SAVE_CODE(CPU) && record.instance == vcpu &&
            record.length == sizeof cpu) {
            memcpy(&cpu, context.data() + at, sizeof cpu);
            return cpu;
        }
        at += record.length;
    }
    return Error{Errno::XEN_ESRCH};
}

}  // namespace

Result<> Verbs::memory_read(const Request& request) {
    Domain* domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    const u64 count = request.number("count");
    if (count > most_read)
        return refuse(request, Errno::XEN_E2BIG, "at most 32768 bytes are read at once");
    std::string bytes;
    auto read = each_page(domain->id(), request.number("gpa"), count,
                          [&](const char* from, u64 size) { bytes.append(from, size); });
    if (!read) return refuse(request, Errno::XEN_ENOENT, "there is no RAM at that address");
    request.answer.bytes(bytes);
    return {};
}

Result<> Verbs::memory_write(const Request& request) {
    Domain* domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    std::string_view bytes = request.text("bytes");
    auto written = each_page(domain->id(), request.number("gpa"), bytes.size(),
                             [&](char* to, u64 size) {
                                 memcpy(to, bytes.data(), size);
                                 bytes.remove_prefix(size);
                             });
    if (!written) return refuse(request, Errno::XEN_ENOENT, "there is no RAM at that address");
    request.answer.null();
    return {};
}

Result<> Verbs::vcpus(const Request& request) {
    Domain* domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    auto& answer = request.answer.open_array();
    for (u32 id = 0; id < domain->order.vcpus; id++) {
        auto info = vcpu_info(domain->id(), id);
        if (!info) break;
        std::string_view state = !info->online    ? "offline"
                                 : info->running  ? "running"
                                 : info->blocked  ? "blocked"
                                                  : "runnable";
        answer.open_map().text("id").number(id).text("state").text(state);
        answer.text("cpu").number(info->cpu).text("time_ns").number(info->cpu_time).close();
    }
    answer.close();
    return {};
}

Result<> Verbs::registers(const Request& request) {
    Domain* domain = steward_.living(request.name(), request.says);
    if (domain == nullptr) return Error{Errno::XEN_ESRCH};
    auto context = TRY(get_hvm_context(domain->id()));
    auto cpu = find_cpu(context, request.number("vcpu"));
    if (!cpu) return refuse(request, cpu.error().code, "the domain has no such vCPU");
    auto& answer = request.answer.open_map();
    for (auto& each : wide_registers)
        answer.text(each.name).number((*cpu).*each.wide);
    for (auto& each : narrow_registers)
        answer.text(each.name).number((*cpu).*each.narrow);
    answer.close();
    return {};
}

}  // namespace dom0

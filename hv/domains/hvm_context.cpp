// A domain's vCPUs as one stream of records (xen/hvm/save.h): processors, local APICs and memory
// types, as the toolstack writes them at birth and as migration will carry them.
#include <algorithm>
#include <domains/domctl.hpp>
#include <domains/vcpu_start.hpp>
#include <xen/hvm/save.h>

namespace hv {
namespace {

/// Each segment register beside the four fields that hold it in the record.
template <class Cpu, class Visit>
void for_each_segment(x86::CpuState& state, Cpu& cpu, Visit visit) {
    visit(state.cs, cpu.cs_sel, cpu.cs_limit, cpu.cs_base, cpu.cs_arbytes);
    visit(state.ds, cpu.ds_sel, cpu.ds_limit, cpu.ds_base, cpu.ds_arbytes);
    visit(state.es, cpu.es_sel, cpu.es_limit, cpu.es_base, cpu.es_arbytes);
    visit(state.fs, cpu.fs_sel, cpu.fs_limit, cpu.fs_base, cpu.fs_arbytes);
    visit(state.gs, cpu.gs_sel, cpu.gs_limit, cpu.gs_base, cpu.gs_arbytes);
    visit(state.ss, cpu.ss_sel, cpu.ss_limit, cpu.ss_base, cpu.ss_arbytes);
    visit(state.tr, cpu.tr_sel, cpu.tr_limit, cpu.tr_base, cpu.tr_arbytes);
    visit(state.ldtr, cpu.ldtr_sel, cpu.ldtr_limit, cpu.ldtr_base, cpu.ldtr_arbytes);
}

/// The same for every register that is one number in both.
template <class Cpu, class Visit>
void for_each_register(x86::CpuState& state, x86::GeneralRegisters& gpr, Cpu& cpu, Visit visit) {
    visit(gpr.rax, cpu.rax), visit(gpr.rbx, cpu.rbx), visit(gpr.rcx, cpu.rcx);
    visit(gpr.rdx, cpu.rdx), visit(gpr.rbp, cpu.rbp), visit(gpr.rsi, cpu.rsi);
    visit(gpr.rdi, cpu.rdi), visit(state.rsp, cpu.rsp), visit(gpr.r8, cpu.r8);
    visit(gpr.r9, cpu.r9), visit(gpr.r10, cpu.r10), visit(gpr.r11, cpu.r11);
    visit(gpr.r12, cpu.r12), visit(gpr.r13, cpu.r13), visit(gpr.r14, cpu.r14);
    visit(gpr.r15, cpu.r15), visit(state.rip, cpu.rip), visit(state.rflags, cpu.rflags);
    visit(state.cr0, cpu.cr0), visit(state.cr2, cpu.cr2), visit(state.cr3, cpu.cr3);
    visit(state.cr4, cpu.cr4), visit(state.dr6, cpu.dr6), visit(state.dr7, cpu.dr7);
    visit(state.gdtr.base, cpu.gdtr_base), visit(state.idtr.base, cpu.idtr_base);
    visit(state.sysenter_cs, cpu.sysenter_cs), visit(state.sysenter_esp, cpu.sysenter_esp);
    visit(state.sysenter_eip, cpu.sysenter_eip), visit(state.kernel_gs_base, cpu.shadow_gs);
    visit(state.lstar, cpu.msr_lstar), visit(state.star, cpu.msr_star);
    visit(state.cstar, cpu.msr_cstar), visit(state.syscall_mask, cpu.msr_syscall_mask);
    visit(state.efer, cpu.msr_efer);
}

bool save_cpu(Vcpu& vcpu, u8* record) {
    if (vcpu.down.load())
        return false;
    auto& cpu = *reinterpret_cast<hvm_hw_cpu*>(record);
    x86::CpuState state;
    vcpu.domain.machine.engine->read_state(vcpu.hardware, state);
    for_each_register(state, vcpu.hardware.gpr, cpu, [](u64 ours, u64& theirs) { theirs = ours; });
    for_each_segment(state, cpu, [](const x86::Segment& ours, u32& selector, u32& limit, u64& base,
                                    u32& attributes) {
        selector = ours.selector;
        limit = ours.limit;
        base = ours.base;
        attributes = pack_attributes(ours.attributes);
    });
    cpu.gdtr_limit = state.gdtr.limit;
    cpu.idtr_limit = state.idtr.limit;
    cpu.tsc = vcpu.domain.machine.clock.ticks() + vcpu.hardware.tsc_offset;
    __builtin_memcpy(cpu.fpu_regs, vcpu.fpu.image().data(), sizeof cpu.fpu_regs);
    cpu.flags = XEN_X86_FPU_INITIALISED;
    return true;
}

/// Sets the whole domain's TSC so that it reads `value` now: the vCPUs' never differ.
void set_guest_tsc(Domain& domain, u64 value) {
    domain.tsc_offset = value - domain.machine.clock.ticks();
    for (Vcpu* vcpu : domain.made_vcpus()) {
        vcpu->hardware.tsc_offset = domain.tsc_offset;
        vcpu->hardware.changes |= x86::change_settings;
        vcpu->time_shown_until = 0;
    }
}

Result<> load_cpu(Vcpu& vcpu, const u8* record) {
    auto& cpu = *reinterpret_cast<const hvm_hw_cpu*>(record);
    if ((cpu.flags & ~XEN_X86_FPU_INITIALISED) != 0 || cpu.pad0 != 0)
        return Error{XEN_EINVAL};
    x86::CpuState state;
    const x86::EngineOperations& engine = *vcpu.domain.machine.engine;
    engine.read_state(vcpu.hardware, state);  // what the record does not have stays: PAT
    x86::GeneralRegisters gpr;
    for_each_register(state, gpr, cpu, [](u64& ours, u64 theirs) { ours = theirs; });
    for_each_segment(state, cpu, [](x86::Segment& ours, u32 selector, u32 limit, u64 base,
                                    u32 attributes) {
        ours = {static_cast<u16>(selector), unpack_attributes(attributes), limit, base};
    });
    state.gdtr.limit = cpu.gdtr_limit;
    state.idtr.limit = cpu.idtr_limit;
    if (!startable(state))
        return Error{XEN_EINVAL};

    TRY(engine.write_state(vcpu.hardware, state));
    vcpu.hardware.gpr = gpr;
    if (cpu.flags & XEN_X86_FPU_INITIALISED)
        __builtin_memcpy(vcpu.fpu.image().data(), cpu.fpu_regs, sizeof cpu.fpu_regs);
    if (vcpu.id == 0)
        set_guest_tsc(vcpu.domain, cpu.tsc);
    bring_up(vcpu);
    return {};
}

bool save_apic(Vcpu& vcpu, u8* record) {
    auto& apic = *reinterpret_cast<hvm_hw_lapic*>(record);
    apic.apic_base_msr = vcpu.apic.base();
    apic.disabled = vcpu.apic.enabled() ? 0 : 2;
    return true;
}

Result<> load_apic(Vcpu& vcpu, const u8* record) {
    return vcpu.apic.set_base(reinterpret_cast<const hvm_hw_lapic*>(record)->apic_base_msr);
}

bool save_apic_registers(Vcpu& vcpu, u8* record) {
    __builtin_memcpy(record, vcpu.apic.page(), sizeof(hvm_hw_lapic_regs));
    return true;
}

Result<> load_apic_registers(Vcpu& vcpu, const u8* record) {
    // Register by register: what the APIC makes of a value is its own affair
    constexpr u32 task_priority = 0x80, spurious = 0xf0, initial_count = 0x380;
    constexpr u32 written[] = {task_priority, spurious, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370,
                               0x3e0, initial_count};
    for (u32 offset : written) {
        u32 value;
        __builtin_memcpy(&value, record + offset, sizeof value);
        vcpu.apic.write_register(offset, value);
    }
    return {};
}

bool save_mtrrs(Vcpu& vcpu, u8* record) {
    auto& mtrr = *reinterpret_cast<hvm_hw_mtrr*>(record);
    x86::CpuState state;
    vcpu.domain.machine.engine->read_state(vcpu.hardware, state);
    mtrr.msr_pat_cr = state.pat;
    __builtin_memcpy(mtrr.msr_mtrr_var, vcpu.mtrr.variable.data(), sizeof mtrr.msr_mtrr_var);
    __builtin_memcpy(mtrr.msr_mtrr_fixed, vcpu.mtrr.fixed.data(), sizeof mtrr.msr_mtrr_fixed);
    mtrr.msr_mtrr_cap = MTRR_VCNT | 1 << 8 | 1 << 10;  // fixed ranges, write-combining
    mtrr.msr_mtrr_def_type = vcpu.mtrr.default_type;
    return true;
}

/// True when every byte names one of the six types of the PAT.
bool good_pat(u64 pat) {
    for (; pat != 0; pat >>= 8)
        if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
            return false;
    return true;
}

Result<> load_mtrrs(Vcpu& vcpu, const u8* record) {
    auto& mtrr = *reinterpret_cast<const hvm_hw_mtrr*>(record);
    if ((mtrr.msr_mtrr_cap & 0xff) > MTRR_VCNT || !good_pat(mtrr.msr_pat_cr))
        return Error{XEN_EINVAL};
    __builtin_memcpy(vcpu.mtrr.variable.data(), mtrr.msr_mtrr_var, sizeof mtrr.msr_mtrr_var);
    __builtin_memcpy(vcpu.mtrr.fixed.data(), mtrr.msr_mtrr_fixed, sizeof mtrr.msr_mtrr_fixed);
    vcpu.mtrr.default_type = mtrr.msr_mtrr_def_type;
    if (mtrr.msr_pat_cr == 0)
        return {};  // a toolstack that speaks of MTRRs alone: the PAT stays as after reset
    const x86::EngineOperations& engine = *vcpu.domain.machine.engine;
    x86::CpuState state;
    engine.read_state(vcpu.hardware, state);
    state.pat = mtrr.msr_pat_cr;
    return engine.write_state(vcpu.hardware, state);
}

/// One kind of record. The state is per vCPU: its `instance` is the vCPU's number.
struct RecordKind {
    u16 type;                                    ///< HVM_SAVE_CODE
    u16 length;                                  ///< HVM_SAVE_LENGTH
    bool (*save)(Vcpu& vcpu, u8* record);        ///< false: this vCPU has none to save
    Result<> (*load)(Vcpu& vcpu, const u8* record); ///< XEN_EINVAL: not a state that can be
};

/// Every kind, by rising type, which is the order they are saved in.
constexpr RecordKind record_kinds[] = {
    {HVM_SAVE_CODE(CPU), HVM_SAVE_LENGTH(CPU), save_cpu, load_cpu},
    {HVM_SAVE_CODE(LAPIC), HVM_SAVE_LENGTH(LAPIC), save_apic, load_apic},
    {HVM_SAVE_CODE(LAPIC_REGS), HVM_SAVE_LENGTH(LAPIC_REGS), save_apic_registers,
     load_apic_registers},
    {HVM_SAVE_CODE(MTRR), HVM_SAVE_LENGTH(MTRR), save_mtrrs, load_mtrrs},
};

/// Aligned room for one record of any kind.
union Record {
    u8 bytes[std::max(sizeof(hvm_hw_cpu), sizeof(hvm_hw_lapic_regs))];
    u64 alignment;
};

/// A caller's buffer, filled from its start.
struct Writer {
    Call& call;
    u64 buffer;
    u32 room, used = 0;

    Result<> put(u16 type, u16 instance, const void* body, u32 length) {
        const hvm_save_descriptor head{type, instance, length};
        if (room - used < sizeof head + length)
            return Error{XEN_ENOSPC};
        TRY(call.write(buffer + used, head));
        TRY(call.write(buffer + used + sizeof head, body, length));
        used += sizeof head + length;
        return {};
    }
};

hvm_save_header header_of(const Domain& domain) {
    hvm_save_header header{};
    header.magic = HVM_FILE_MAGIC;
    header.version = HVM_FILE_VERSION;
    const Vcpu* const first = domain.find_vcpu(0);
    header.cpuid = first != nullptr ? domain.policy.look_up(*first, 1, 0).eax : 0;
    header.gtsc_khz = static_cast<u32>(domain.machine.clock.ticks_per_second / 1000);
    return header;
}

/// Bytes that get_context would write now, at most.
u32 context_size(const Domain& domain) {
    constexpr u32 head = sizeof(hvm_save_descriptor);
    u32 size = head + HVM_SAVE_LENGTH(HEADER) + head;
    for (const RecordKind& kind : record_kinds)
        size += domain.vcpu_count * (head + kind.length);
    return size;
}

Result<> check_header(Call& call, const hvm_save_descriptor& head, u64 body) {
    hvm_save_header header;
    if (head.typecode != HVM_SAVE_CODE(HEADER) || head.length != sizeof header)
        return Error{XEN_EINVAL};
    TRY(call.read(header, body));
    const bool ours = header.magic == HVM_FILE_MAGIC && header.version == HVM_FILE_VERSION;
    return ours ? Result<>{} : Error{XEN_EINVAL};
}

Result<> load_record(Call& call, Domain& domain, const hvm_save_descriptor& head, u64 body) {
    const auto kind = std::ranges::find(record_kinds, head.typecode, &RecordKind::type);
    Vcpu* const vcpu = domain.find_vcpu(head.instance);
    if (kind == std::end(record_kinds) || head.length != kind->length || vcpu == nullptr)
        return Error{XEN_EINVAL};
    Record record;
    TRY(call.read(record.bytes, body, head.length));
    return kind->load(*vcpu, record.bytes);
}

}  // namespace

Answer get_context(DomctlCall& ctl) {
    xen_domctl_hvmcontext& wish = ctl.op.u.hvmcontext;
    Domain& domain = *ctl.domain;
    if (address_in(wish.buffer) == 0) {
        wish.size = context_size(domain);
        return 0;
    }
    const Stillness still{ctl.call.cpu, domain};
    Writer writer{ctl.call, address_in(wish.buffer), wish.size};
    const hvm_save_header header = header_of(domain);
    TRY(writer.put(HVM_SAVE_CODE(HEADER), 0, &header, sizeof header));
    for (const RecordKind& kind : record_kinds) {
        for (Vcpu* vcpu : domain.made_vcpus()) {
            Record record{};
            if (kind.save(*vcpu, record.bytes))
                TRY(writer.put(kind.type, vcpu->id, record.bytes, kind.length));
        }
    }
    TRY(writer.put(HVM_SAVE_CODE(END), 0, nullptr, 0));
    wish.size = writer.used;
    return 0;
}

Answer set_context(DomctlCall& ctl) {
    const xen_domctl_hvmcontext& wish = ctl.op.u.hvmcontext;
    const Stillness still{ctl.call.cpu, *ctl.domain};
    hvm_save_descriptor head;
    for (u32 at = 0; wish.size - at >= sizeof head; at += head.length) {
        const bool first = at == 0;
        TRY(ctl.call.read(head, address_in(wish.buffer) + at));
        if (!first && head.typecode == HVM_SAVE_CODE(END))
            return 0;
        at += sizeof head;
        if (wish.size - at < head.length)
            break;
        const u64 body = address_in(wish.buffer) + at;
        TRY(first ? check_header(ctl.call, head, body)
                  : load_record(ctl.call, *ctl.domain, head, body));
    }
    return Error{XEN_ENODATA};
}

}  // namespace hv

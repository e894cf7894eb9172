// A domain's vCPUs as one stream of records: sized, saved, loaded; and a vCPU started as told.
#include <domains/hvm_context.hpp>
#include <domains/hvm_records.hpp>
#include <domains/vcpu_start.hpp>
#include <x86/bits.hpp>

namespace hv {
namespace {

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
    header.cpuid = first != nullptr ? domain.policy->look_up(*first, 1, 0).eax : 0;
    header.gtsc_khz = static_cast<u32>(domain.machine.clock.ticks_per_second / 1000);
    return header;
}

const RecordKind* kind_of(u32 type) {
    for (const RecordKind& kind : record_kinds)
        if (kind.type == type)
            return &kind;
    return nullptr;
}

/// Aligned room for one record of any kind.
union Record {
    u8 bytes[longest_record];
    u64 alignment;
};

Result<> check_header(Call& call, u64 buffer) {
    struct {
        hvm_save_descriptor head;
        hvm_save_header header;
    } first;
    TRY(call.read(first, buffer));
    if (first.head.typecode != HVM_SAVE_CODE(HEADER) ||
        first.head.length != HVM_SAVE_LENGTH(HEADER) || first.header.magic != HVM_FILE_MAGIC ||
        first.header.version != HVM_FILE_VERSION)
        return Error{XEN_EINVAL};
    return {};
}

Result<> load_record(Call& call, Domain& domain, const hvm_save_descriptor& head, u64 body) {
    const RecordKind* kind = kind_of(head.typecode);
    Vcpu* const vcpu = domain.find_vcpu(head.instance);
    if (kind == nullptr || head.length != kind->length || vcpu == nullptr)
        return Error{XEN_EINVAL};
    Record record;
    TRY(call.read(record.bytes, body, head.length));
    return kind->load(*vcpu, record.bytes);
}

}  // namespace

u32 context_size(Domain& domain) {
    constexpr u32 head = sizeof(hvm_save_descriptor);
    u32 size = head + HVM_SAVE_LENGTH(HEADER) + head;
    for (const RecordKind& kind : record_kinds)
        size += domain.vcpu_count * (head + kind.length);
    return size;
}

Result<u32> save_context(Call& call, Domain& domain, u64 buffer, u32 room) {
    Writer writer{call, buffer, room};
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
    return writer.used;
}

Result<u32> save_record(Call& call, Domain& domain, u32 type, u32 instance, u64 buffer, u64 room) {
    const RecordKind* kind = kind_of(type);
    if (kind == nullptr)
        return Error{XEN_EINVAL};
    Vcpu* const vcpu = domain.find_vcpu(instance);
    if (vcpu == nullptr)
        return Error{XEN_ENOENT};
    if (buffer == 0)
        return u32{kind->length};
    Record record{};
    if (!kind->save(*vcpu, record.bytes))
        return Error{XEN_ENOENT};
    if (room < kind->length)
        return Error{XEN_ENOSPC};
    TRY(call.write(buffer, record.bytes, kind->length));
    return u32{kind->length};
}

Result<> load_context(Call& call, Domain& domain, u64 buffer, u32 size) {
    constexpr u32 head_size = sizeof(hvm_save_descriptor);
    u32 at = head_size + HVM_SAVE_LENGTH(HEADER);
    if (size < at)
        return Error{XEN_ENODATA};
    TRY(check_header(call, buffer));
    while (size - at >= head_size) {
        hvm_save_descriptor head;
        TRY(call.read(head, buffer + at));
        if (head.typecode == HVM_SAVE_CODE(END))
            return {};
        at += head_size;
        if (size - at < head.length)
            return Error{XEN_ENODATA};
        TRY(load_record(call, domain, head, buffer + at));
        at += head.length;
    }
    return Error{XEN_ENODATA};
}

namespace {

constexpr u32 flat_code_64 = 0xa9b, flat_data = 0xc93, idle_task = 0x8b;

/// Segments of 32-bit code as given: bases, limits and packed attributes.
Result<> take_narrow(const vcpu_hvm_x86_32& told, x86::CpuState& state,
                     x86::GeneralRegisters& gpr) {
    gpr = {.rax = told.eax, .rcx = told.ecx, .rdx = told.edx, .rbx = told.ebx, .rbp = told.ebp,
           .rsi = told.esi, .rdi = told.edi};
    state.rip = told.eip;
    state.rsp = told.esp;
    state.rflags = told.eflags;
    state.cr0 = told.cr0;
    state.cr3 = told.cr3;
    state.cr4 = told.cr4;
    state.efer = told.efer;
    state.cs = {0, unpack_attributes(told.cs_ar), told.cs_limit, told.cs_base};
    state.ds = {0, unpack_attributes(told.ds_ar), told.ds_limit, told.ds_base};
    state.ss = {0, unpack_attributes(told.ss_ar), told.ss_limit, told.ss_base};
    state.es = {0, unpack_attributes(told.es_ar), told.es_limit, told.es_base};
    state.tr = {0, unpack_attributes(told.tr_ar), told.tr_limit, told.tr_base};
    constexpr u32 present = 1 << 7;
    const bool flawed = (told.cs_ar & present) == 0 || (told.tr_ar & present) == 0 ||
                        told.pad1 != 0 || told.pad2[0] != 0 || told.pad2[1] != 0 ||
                        told.pad2[2] != 0;
    return flawed ? Result<>{Error{XEN_EINVAL}} : Result<>{};
}

/// 64-bit code begins with flat segments; only the registers are told.
Result<> take_wide(const vcpu_hvm_x86_64& told, x86::CpuState& state, x86::GeneralRegisters& gpr) {
    gpr = {.rax = told.rax, .rcx = told.rcx, .rdx = told.rdx, .rbx = told.rbx, .rbp = told.rbp,
           .rsi = told.rsi, .rdi = told.rdi};
    state.rip = told.rip;
    state.rsp = told.rsp;
    state.rflags = told.rflags;
    state.cr0 = told.cr0;
    state.cr3 = told.cr3;
    state.cr4 = told.cr4;
    state.efer = told.efer;
    const bool paged = (told.cr0 & x86::CR0_PG) != 0 && (told.cr4 & x86::CR4_PAE) != 0;
    if (!paged || (~told.efer & (x86::EFER_LME | x86::EFER_LMA)) != 0)
        return Error{XEN_EINVAL};
    state.cs = {0, unpack_attributes(flat_code_64), ~0u, 0};
    state.ds = state.es = state.ss = {0, unpack_attributes(flat_data), ~0u, 0};
    state.tr = {0, unpack_attributes(idle_task), 0x67, 0};
    return {};
}

}  // namespace

Result<> start_as_told(Vcpu& vcpu, const vcpu_hvm_context_t& told) {
    if (told.pad != 0 || told.mode > VCPU_HVM_MODE_64B)
        return Error{XEN_EINVAL};
    x86::CpuState state;
    x86::GeneralRegisters gpr;
    if (told.mode == VCPU_HVM_MODE_32B)
        TRY(take_narrow(told.cpu_regs.x86_32, state, gpr));
    else
        TRY(take_wide(told.cpu_regs.x86_64, state, gpr));
    state.fs = state.gs = {0, unpack_attributes(flat_data), ~0u, 0};
    state.ldtr = {0, unpack_attributes(0x82), 0, 0};
    if (!startable(state))
        return Error{XEN_EINVAL};
    TRY(vcpu.domain.machine.engine->write_state(vcpu.hardware, state));
    vcpu.hardware.gpr = gpr;
    vcpu.initialised = true;  // VCPUOP_up lets it go
    return {};
}

}  // namespace hv

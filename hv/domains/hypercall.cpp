// Hypercalls: found by number, alone or several in one, with the caller's arguments and memory.
#include <algorithm>
#include <domains/calls.hpp>
#include <domains/exits.hpp>
#include <domains/memory.hpp>
#include <domains/trace.hpp>

namespace hv {
namespace {

/// Which general registers hold the arguments, by their numbers in the encoding of instructions.
constexpr u8 wide_registers[] = {7, 6, 2, 10, 8, 9};   // RDI RSI RDX R10 R8 R9
constexpr u8 narrow_registers[] = {3, 1, 2, 6, 7, 5};  // EBX ECX EDX ESI EDI EBP
constexpr u8 in_order[] = {0, 1, 2, 3, 4, 5};          // in a multicall's entry

}  // namespace

Answer run_handler(Call& call, u64 number) {
    if (number >= hypercall_rows)
        return refuse(XEN_ENOSYS);
    const HypercallHandler handler = household(call.domain.machine).hypercalls[number];
    return handler != nullptr ? handler(call) : refuse(XEN_ENOSYS);
}

void note_exit(Cpu& cpu, const Vcpu& vcpu, const x86::Exit& exit) {
    using Kind = x86::Exit::Kind;
    const x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    if (exit.kind == Kind::hypercall)
        return trace(cpu, hypercall_made, vcpu, gpr.rax,
                     exit.long_mode ? gpr.rdi : static_cast<u32>(gpr.rbx));
    const u64 detail = exit.kind == Kind::port           ? exit.port.number
                       : exit.kind == Kind::nested_fault ? exit.fault.address.value
                       : exit.kind == Kind::cpuid        ? static_cast<u32>(gpr.rax)
                                                         : static_cast<u32>(gpr.rcx);
    trace(cpu, vcpu_exited, vcpu, static_cast<u64>(exit.kind), detail);
}

Call::Call(Cpu& on, Vcpu& caller, bool from_64_bit)
    : cpu{on}, vcpu{caller}, domain{caller.domain}, wide{from_64_bit}, nested{false},
      values_{&caller.hardware.gpr.rax}, places_{from_64_bit ? wide_registers : narrow_registers},
      mask_{from_64_bit ? ~0ull : 0xffffffff} {}

Call::Call(const Call& outer, u64* arguments)
    : cpu{outer.cpu}, vcpu{outer.vcpu}, domain{outer.domain}, wide{outer.wide}, nested{true},
      values_{arguments}, places_{in_order}, mask_{outer.mask_} {}

bool Call::should_stop() const { return wanted_elsewhere(cpu); }

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

namespace {

/// One entry of a multicall in the caller's layout: op, result, six arguments; longs all.
constexpr u64 entry_longs = 8;

/// Runs one entry; Call::again when it is not finished, its arguments updated in the list.
Answer run_entry(Call& call, u64 list, u64 index) {
    std::array<u64, entry_longs> entry{};
    TRY(call.read_longs(entry, list, index * entry_longs));
    trace(call.cpu, hypercall_made, call.vcpu, entry[0], entry[2]);
    Call inner{call, &entry[2]};
    const Answer answer = run_handler(inner, entry[0]);
    if (answer != Call::again)
        return call.write_long(list, index * entry_longs + 1, static_cast<u64>(answer.value));
    for (u64 i = 2; i < entry_longs; ++i)
        TRY(call.write_long(list, index * entry_longs + i, entry[i]));
    return Call::again;
}

}  // namespace

Answer multicall(Call& call) {
    if (call.nested)
        return refuse(XEN_EINVAL);
    const u64 list = call.argument(0);
    const u32 count = static_cast<u32>(call.argument(1));
    for (u32 done = 0; done < count; ++done) {
        const Answer answer =
            done > 0 && call.should_stop() ? Call::again : run_entry(call, list, done);
        if (answer == 0)
            continue;
        if (answer == Call::again) {
            call.set_argument(0, list + done * entry_longs * (call.wide ? 8 : 4));
            call.set_argument(1, count - done);
        }
        return answer;
    }
    return 0;
}

void fill_hypercall_page(u8* page, std::string_view engine) {
    constexpr size_t entry_size = 32;
    std::fill_n(page, page_size, u8{0xcc});  // int3: no entry begins here
    const u8 last = engine == "VMX" ? 0xc1 : 0xd9;  // vmcall, vmmcall
    for (size_t number = 0; number < page_size / entry_size; ++number) {
        const u8 code[] = {0xb8, static_cast<u8>(number), 0, 0, 0, 0x0f, 0x01, last, 0xc3};
        std::copy(std::begin(code), std::end(code), page + number * entry_size);
    }
    // IRET is a PV guest's affair; here it is an undefined instruction, as on Xen
    constexpr u8 undefined[] = {0x0f, 0x0b};
    std::copy(std::begin(undefined), std::end(undefined), page + __HYPERVISOR_iret * entry_size);
}

Result<> show_hypercall_page(Domain& domain, Gfn gfn) {
    const Result<GuestFrame> page = domain.p2m.hold(gfn);
    if (!page.ok())
        return Error{XEN_EINVAL};
    Machine& machine = domain.machine;
    if (page->access.write)
        fill_hypercall_page(machine.memory.at(page->frame), machine.engine->name);
    end_use(machine, page->frame);
    return page->access.write ? Result<>{} : Error{XEN_EINVAL};
}

}  // namespace hv

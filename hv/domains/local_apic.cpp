// A virtual CPU's local APIC: how an interrupt waits, is chosen, is delivered and is ended.
#include <bit>
#include <domains/household.hpp>
#include <initializer_list>
#include <x86/msr.hpp>

namespace hv {
namespace {

// Intel SDM, "The Local APIC Register Address Map"
enum Register : u32 {
    apic_id = 0x20, version = 0x30, task_priority = 0x80, processor_priority = 0xa0, eoi = 0xb0,
    logical_destination = 0xd0, destination_format = 0xe0, spurious = 0xf0, in_service = 0x100,
    request = 0x200, error_status = 0x280, command_low = 0x300, command_high = 0x310,
    lvt_timer = 0x320, lvt_thermal = 0x330, lvt_counters = 0x340, lvt_lint0 = 0x350,
    lvt_lint1 = 0x360, lvt_error = 0x370, timer_initial = 0x380, timer_current = 0x390,
    timer_divide = 0x3e0, self_ipi = 0x3f0,
};

constexpr u32 masked = 1 << 16;
constexpr u32 software_enabled = 1 << 8;
constexpr u32 version_and_lvts = 0x00050014;  // integrated APIC, six LVT entries

/// A set of registers: one bit for each 16 bytes of the page's first KiB.
constexpr u64 set_of(std::initializer_list<u32> offsets) {
    u64 set = 0;
    for (const u32 offset : offsets)
        set |= 1ull << offset / 0x10;
    return set;
}

constexpr u64 settings = set_of({
    apic_id, task_priority, logical_destination, destination_format, spurious, error_status,
    command_low, command_high, lvt_timer, lvt_thermal, lvt_counters, lvt_lint0, lvt_lint1,
    lvt_error, timer_initial, timer_divide});
constexpr u64 served_and_requested = 0xff'ffffull << in_service / 0x10;  // ISR, TMR and IRR
constexpr u64 readable = settings | served_and_requested |
                         set_of({version, processor_priority, timer_current});
constexpr u64 writable = settings | set_of({eoi, self_ipi});

// As MSRs: what is one register there, or none, and the names that nobody chooses
constexpr u64 readable_as_msr = readable & ~set_of({destination_format, command_high});
constexpr u64 writable_as_msr =
    writable & ~set_of({apic_id, logical_destination, destination_format, command_high});

bool among(u64 set, u32 offset) {
    return offset < KiB && offset % 0x10 == 0 && (set >> offset / 0x10 & 1) != 0;
}

}  // namespace

LocalApic::LocalApic(Vcpu& owner) : owner_{owner}, timer_{timer_expired, owner} {}

Result<> LocalApic::open() {
    Machine& machine = owner_.domain.machine;
    const Mfn frame = TRY(machine.frames.take(owner_hypervisor));
    page_ = machine.memory.at(frame);
    owner_.hardware.apic_registers = page_;
    owner_.hardware.apic_address = address_of(frame);
    base_ = page_address | x86::APIC_BASE_EN | (owner_.id == 0 ? u64{x86::APIC_BASE_BSP} : 0);
    reset();
    return {};
}

void LocalApic::close() {
    if (page_ != nullptr)
        owner_.domain.machine.frames.give_back(frame_of(owner_.hardware.apic_address));
    page_ = nullptr;
}

void LocalApic::reset() {
    cancel_timer();
    __builtin_memset(page_, 0, page_size);
    at(apic_id) = x2apic() ? id() : id() << 24;
    at(version) = version_and_lvts;
    at(destination_format) = ~0u;
    at(spurious) = 0xff;
    for (u32 entry = lvt_timer; entry <= lvt_error; entry += 0x10)
        at(entry) = masked;
    choose_deliverer();
}

u32 LocalApic::id() const { return owner_.id * 2u; }  // as Xen numbers them

void LocalApic::raise(u8 vector) {
    // As on Xen: an APIC that its guest has not enabled takes nothing in
    if (vector < 16 || !(at(spurious) & software_enabled))
        return;
    __atomic_fetch_or(&at(request + vector / 32 * 0x10), 1u << vector % 32, __ATOMIC_SEQ_CST);
    requested_ = true;
    notify(owner_, attention_interrupt);
}

/// The highest vector set in the 256 bits that begin at `first_offset`, or -1.
int LocalApic::highest(u32 first_offset) const {
#pragma GCC unroll 8
    for (int word = 7; word >= 0; --word)
        if (const u32 bits = __atomic_load_n(
                reinterpret_cast<const u32*>(page_ + first_offset + word * 0x10), __ATOMIC_SEQ_CST))
            return word * 32 + 31 - std::countl_zero(bits);
    return -1;
}

int LocalApic::choose() {
    // Cleared before the look: what is raised after it is seen by the next. A CPU that delivers by
    // itself changes the IRR unseen: there every look is needed
    requested_ = owner_.hardware.interrupts_delivered_by_cpu;
    const int waiting = highest(request);
    if (waiting < 0)
        return -1;
    requested_ = true;
    // Priority is the vector's upper half: it must exceed the task's and what is being served
    const int serving = highest(in_service);
    const int floor = std::max(static_cast<int>(at(task_priority) & 0xff), serving) >> 4;
    return (at(spurious) & software_enabled) && waiting >> 4 > floor ? waiting : -1;
}

void LocalApic::accept(u8 vector) {
    const u32 word = vector / 32 * 0x10, bit = 1u << vector % 32;
    __atomic_fetch_and(&at(request + word), ~bit, __ATOMIC_ACQ_REL);
    at(in_service + word) |= bit;
}

void LocalApic::end_of_interrupt() {
    const int serving = highest(in_service);
    if (serving < 0)
        return;
    at(in_service + static_cast<u32>(serving) / 32 * 0x10) &= ~(1u << serving % 32);
    owner_.attention.fetch_or(attention_interrupt, std::memory_order_relaxed);
}

u32 LocalApic::read_register(u32 offset) {
    if (!among(readable, offset))
        return 0;
    if (offset == timer_current)
        return current_count();
    if (offset == processor_priority)
        return std::max(at(task_priority) & 0xff,
                        static_cast<u32>(std::max(highest(in_service), 0)) & 0xf0);
    return at(offset);
}

void LocalApic::write_register(u32 offset, u32 value) {
    if (!among(writable, offset))
        return;
    at(offset) = offset == apic_id && x2apic() ? at(apic_id) : value;
    written(offset);
}

void LocalApic::written(u32 offset) {
    const u32 value = at(offset);
    switch (offset) {
    case eoi:
        return end_of_interrupt();
    case spurious:
        choose_deliverer();
        // As on Xen: an upcall that came while it was off comes now
        if (owner_.info != nullptr && owner_.info->abi.evtchn_upcall_pending != 0)
            raise(owner_.upcall_vector);
        [[fallthrough]];
    case task_priority:
        owner_.hardware.changes |= x86::change_settings;
        owner_.attention.fetch_or(attention_interrupt, std::memory_order_relaxed);
        return;
    case error_status:
        at(error_status) = 0;
        return;
    case command_low:
        at(command_low) = value & ~(1u << 12);
        return send(u64{x2apic() ? at(command_high) : at(command_high) >> 24} << 32 | value);
    case self_ipi:
        return raise(static_cast<u8>(value));
    case timer_initial:
        return arm_timer(value);
    default:
        return;
    }
}

Result<u64> LocalApic::read_msr(u32 msr) {
    const u32 offset = (msr - x86::IA32_X2APIC_FIRST) << 4;
    if (!x2apic() || !among(readable_as_msr, offset))
        return Error{XEN_EINVAL};
    switch (offset) {
    case apic_id:
        return u64{id()};
    case logical_destination:
        return u64{(id() >> 4) << 16 | 1u << (id() & 15)};
    case command_low:
        return u64{at(command_high)} << 32 | at(command_low);
    default:
        return u64{read_register(offset)};
    }
}

Result<> LocalApic::write_msr(u32 msr, u64 value) {
    const u32 offset = (msr - x86::IA32_X2APIC_FIRST) << 4;
    if (!x2apic() || !among(writable_as_msr, offset))
        return Error{XEN_EINVAL};
    if ((offset == eoi || offset == error_status) && value != 0)
        return Error{XEN_EINVAL};
    if (offset == command_low)
        at(command_high) = static_cast<u32>(value >> 32);
    else if (value >> 32 != 0)
        return Error{XEN_EINVAL};
    write_register(offset, static_cast<u32>(value));
    return {};
}

/// Where the CPU can, it delivers and ends interrupts out of the page by itself: in x2APIC mode,
/// and while the guest has its APIC on. The engine carries over what is pending and in service.
void LocalApic::choose_deliverer() {
    owner_.hardware.interrupts_delivered_by_cpu =
        owner_.domain.machine.capabilities.virtual_interrupts && x2apic() &&
        (at(spurious) & software_enabled);
    owner_.hardware.changes |= x86::change_settings;
    requested_ = true;
}

Result<> LocalApic::set_base(u64 value) {
    // The page does not move; modes go off, xAPIC, x2APIC, and back only through off
    const bool on = value & x86::APIC_BASE_EN, extended = value & x86::APIC_BASE_EXTD;
    constexpr u64 known = x86::APIC_BASE_BSP | x86::APIC_BASE_EN | x86::APIC_BASE_EXTD;
    if ((value & ~known) != page_address || (extended && !on) || (x2apic() && on && !extended))
        return Error{XEN_EINVAL};
    base_ = (base_ & x86::APIC_BASE_BSP) | page_address |
            (value & (x86::APIC_BASE_EN | x86::APIC_BASE_EXTD));
    at(apic_id) = extended ? id() : id() << 24;
    choose_deliverer();
    return {};
}

}  // namespace hv

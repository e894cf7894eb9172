// Turning VMX on, one pCPU at a time.
#include <new>
#include <vmx/area.hpp>
#include <vmx/bitmaps.hpp>
#include <vmx/instructions.hpp>
#include <vmx/operations.hpp>
#include <x86/bits.hpp>
#include <x86/cpuid.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

namespace {

/// Firmware that left VMX unlocked lets us choose: on, and locked.
void unlock(const Offer& offer) {
    constexpr u64 on = x86::FEATURE_CONTROL_LOCK | x86::FEATURE_CONTROL_VMX_OUTSIDE_SMX;
    if (!(offer.feature_control & x86::FEATURE_CONTROL_LOCK))
        x86::write_msr(x86::IA32_FEATURE_CONTROL, offer.feature_control | on);
}

/// VMXON wants certain bits of CR0 and CR4 one, and others zero. The boot code's values differ in
/// CR0.NE and CR4.VMXE alone, but the MSRs have the last word.
void fix_control_registers(const Offer& offer) {
    x86::write_cr0((x86::read_cr0() | offer.cr0_fixed0) & offer.cr0_fixed1);
    x86::write_cr4((x86::read_cr4() | offer.cr4_fixed0 | x86::CR4_VMXE) & offer.cr4_fixed1);
}

/// Takes one frame and lays an MSR bitmap in it.
Result<Mpa> make_bitmap(FrameSource& source, bool virtual_apic) {
    const Result<Mpa> frame = source.take(source.context, 0);
    TRY(frame);
    u8* bytes = source.at(source.context, *frame);
    fill_msr_bitmap(std::span<u8, page_size>{bytes, page_size}, virtual_apic);
    return *frame;
}

/// Takes the frames of this pCPU's area. On failure the boot ends, so that nothing is given back.
Result<Area*> make_area(FrameSource& source, const Controls& controls) {
    const Result<Mpa> frame = source.take(source.context, 0);
    TRY(frame);
    static_assert(sizeof(Area) <= page_size);
    Area* area = new (source.at(source.context, *frame)) Area{.controls = controls};

    const Result<Mpa> plain = make_bitmap(source, false), with_apic = make_bitmap(source, true);
    TRY(plain);
    TRY(with_apic);
    area->msr_bitmap = *plain;
    area->apic_msr_bitmap = *with_apic;
    return area;
}

void set_this_area(Area* area) {
    asm volatile("mov %0, %%gs:%c1" ::"r"(area), "i"(x86::engine_area_slot) : "memory");
}

}  // namespace

Result<x86::EngineCapabilities> probe(const char** why) { return judge(read_offer(), why); }

Result<> turn_on(u16, u64 tsc_hz, FrameSource& source) {
    const char* why = nullptr;
    const Offer offer = read_offer();
    TRY(judge(offer, &why));
    const Result<Controls> controls = choose_controls(offer, &why);
    TRY(controls);
    const Result<Area*> made = make_area(source, *controls);
    TRY(made);
    Area& area = **made;
    area.revision = offer.revision();
    area.has_branch_barrier = x86::cpuid_if_present(7).edx >> 26 & 1;
    const u64 a_millisecond = tsc_hz / 1000 >> offer.preemption_timer_shift();
    area.timer_value = static_cast<u32>(a_millisecond > 0 ? a_millisecond : 1);

    unlock(offer);
    fix_control_registers(offer);
    const Result<Mpa> region = source.take(source.context, 0);
    TRY(region);
    *reinterpret_cast<u32*>(source.at(source.context, *region)) = area.revision;
    if (!vmxon(*region))
        return Error{XEN_EIO};
    set_this_area(&area);

    // What another hypervisor, or firmware, left in the translation caches
    if (offer.ept_vpid & CAP_INVEPT_ALL)
        invept(Forget::all, 0);
    if (offer.ept_vpid & CAP_INVVPID_ALL)
        invvpid_all();
    return {};
}

}  // namespace hv::vmx

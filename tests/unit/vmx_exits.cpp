// Exits decoded from a VMCS that is only a table of fields, and events spelled for the next entry.
#include <gtest/gtest.h>
#include <map>
#include <vmx/exits.hpp>

namespace hv {
namespace {

using vmx::Field;
using x86::Exit;
using Kind = x86::Exit::Kind;

/// Answers VMREAD from a table; a field that the test did not give must not be read.
struct FakeVmcs {
    std::map<Field, u64> fields;
    u64 operator()(Field field) const {
        const auto found = fields.find(field);
        EXPECT_NE(found, fields.end()) << "read of field " << std::hex << static_cast<u32>(field);
        return found == fields.end() ? 0 : found->second;
    }
};

Exit decode(std::map<Field, u64> fields) {
    Exit exit;
    exit.length = 99;
    exit.qualification = 99;
    vmx::decode(FakeVmcs{std::move(fields)}, exit);
    return exit;
}

Exit instruction(u32 reason, u64 length = 2) {
    return decode({{Field::EXIT_REASON, reason}, {Field::VM_EXIT_INSTRUCTION_LENGTH, length}});
}

TEST(VmxExits, InstructionsCarryTheirLength) {
    const std::pair<u32, Kind> cases[] = {
        {vmx::EXIT_CPUID, Kind::cpuid},      {vmx::EXIT_HLT, Kind::halt},
        {vmx::EXIT_RDMSR, Kind::read_msr},   {vmx::EXIT_WRMSR, Kind::write_msr},
        {vmx::EXIT_PAUSE, Kind::pause},      {vmx::EXIT_XSETBV, Kind::extended_control},
        {vmx::EXIT_INVD, Kind::cache_write_back}, {vmx::EXIT_WBINVD, Kind::cache_write_back},
    };
    for (const auto& [reason, kind] : cases) {
        const Exit exit = instruction(reason, 3);
        EXPECT_EQ(exit.kind, kind) << reason;
        EXPECT_EQ(exit.length, 3) << reason;
        EXPECT_EQ(exit.raw, reason);
    }
}

TEST(VmxExits, VmxInstructionsAreUndefined) {
    for (u32 reason = vmx::EXIT_VMCLEAR; reason <= vmx::EXIT_VMXON; ++reason)
        EXPECT_EQ(instruction(reason).kind, Kind::undefined) << reason;
    for (const u32 reason : {vmx::EXIT_INVEPT, vmx::EXIT_INVVPID, vmx::EXIT_VMFUNC,
                             vmx::EXIT_MONITOR, vmx::EXIT_MWAIT, vmx::EXIT_GETSEC})
        EXPECT_EQ(instruction(reason).kind, Kind::undefined) << reason;
}

TEST(VmxExits, EventsReadNothingElse) {
    const std::pair<u32, Kind> cases[] = {
        {vmx::EXIT_EXTERNAL_INTERRUPT, Kind::external_interrupt},
        {vmx::EXIT_PREEMPTION_TIMER, Kind::timer},
        {vmx::EXIT_INTERRUPT_WINDOW, Kind::interrupt_window},
        {vmx::EXIT_TRIPLE_FAULT, Kind::shutdown},
        {vmx::EXIT_NMI_WINDOW, Kind::resolved},
    };
    for (const auto& [reason, kind] : cases) {
        const Exit exit = decode({{Field::EXIT_REASON, reason}});
        EXPECT_EQ(exit.kind, kind) << reason;
        EXPECT_EQ(exit.length, 0);
        EXPECT_EQ(exit.qualification, 0u);
    }
}

Exit hypercall(u64 cs, u64 ss, u64 entry_controls) {
    return decode({{Field::EXIT_REASON, vmx::EXIT_VMCALL},
                   {Field::VM_EXIT_INSTRUCTION_LENGTH, 3},
                   {Field::GUEST_CS_ACCESS_RIGHTS, cs},
                   {Field::GUEST_SS_ACCESS_RIGHTS, ss},
                   {Field::VM_ENTRY_CONTROLS, entry_controls}});
}

TEST(VmxExits, HypercallsTellTheCallersModeAndPrivilege) {
    const Exit wide = hypercall(0xa09b, 0xc093, 0x93ff);
    EXPECT_EQ(wide.kind, Kind::hypercall);
    EXPECT_TRUE(wide.long_mode);
    EXPECT_EQ(wide.privilege, 0);

    EXPECT_FALSE(hypercall(0xc09b, 0xc093, 0x93ff).long_mode) << "compatibility mode";
    EXPECT_FALSE(hypercall(0xa09b, 0xc093, 0x91ff).long_mode) << "CS.L outside IA-32e mode";
    EXPECT_EQ(hypercall(0xa0fb, 0xc0f3, 0x93ff).privilege, 3);
}

TEST(VmxExits, PortsNameThemselves) {
    const Exit exit = decode({{Field::EXIT_REASON, vmx::EXIT_IO_INSTRUCTION},
                              {Field::VM_EXIT_INSTRUCTION_LENGTH, 2},
                              {Field::EXIT_QUALIFICATION, 0x03f8'003b}});
    EXPECT_EQ(exit.kind, Kind::port);
    EXPECT_EQ(exit.port.number, 0x3f8);
    EXPECT_EQ(exit.port.size, 4);
    EXPECT_TRUE(exit.port.in);
    EXPECT_TRUE(exit.port.string);
    EXPECT_TRUE(exit.port.repeated);
}

Exit violation(u64 qualification) {
    return decode({{Field::EXIT_REASON, vmx::EXIT_EPT_VIOLATION},
                   {Field::EXIT_QUALIFICATION, qualification},
                   {Field::GUEST_PHYSICAL_ADDRESS, 0xfee000b0}});
}

TEST(VmxExits, NestedFaultsTellTheAccess) {
    const Exit write = violation(0x182);
    EXPECT_EQ(write.kind, Kind::nested_fault);
    EXPECT_EQ(write.fault.address, Gpa{0xfee000b0});
    EXPECT_TRUE(write.fault.write);
    EXPECT_FALSE(write.fault.read || write.fault.fetch || write.fault.present);
    EXPECT_FALSE(write.fault.in_page_walk || write.fault.misconfigured);

    EXPECT_TRUE(violation(0x18a).fault.present) << "a read-only page was there";
    EXPECT_TRUE(violation(0x081).fault.in_page_walk);
    EXPECT_TRUE(violation(0x184).fault.fetch);
}

TEST(VmxExits, MisconfigurationHasNoQualification) {
    const Exit exit = decode({{Field::EXIT_REASON, vmx::EXIT_EPT_MISCONFIGURATION},
                              {Field::GUEST_PHYSICAL_ADDRESS, 0x1000}});
    EXPECT_EQ(exit.kind, Kind::nested_fault);
    EXPECT_TRUE(exit.fault.misconfigured);
}

TEST(VmxExits, ControlRegistersNameTheOtherRegister) {
    const Exit exit = decode({{Field::EXIT_REASON, vmx::EXIT_CONTROL_REGISTER},
                              {Field::VM_EXIT_INSTRUCTION_LENGTH, 3},
                              {Field::EXIT_QUALIFICATION, 0x0b04}});
    EXPECT_EQ(exit.kind, Kind::control_register);
    EXPECT_EQ(exit.control.number, 4);
    EXPECT_EQ(exit.control.gpr, 11);
    EXPECT_TRUE(exit.control.decoded);
}

TEST(VmxExits, NmisAreTheMachinesAndExceptionsCarryTheirVector) {
    const Exit nmi = decode({{Field::EXIT_REASON, vmx::EXIT_EXCEPTION_OR_NMI},
                             {Field::VM_EXIT_INTERRUPTION_INFORMATION, 0x80000202},
                             {Field::EXIT_QUALIFICATION, 0}});
    EXPECT_EQ(nmi.kind, Kind::nmi);

    const Exit debug = decode({{Field::EXIT_REASON, vmx::EXIT_EXCEPTION_OR_NMI},
                               {Field::VM_EXIT_INTERRUPTION_INFORMATION, 0x80000301},
                               {Field::EXIT_QUALIFICATION, 0x4000}});
    EXPECT_EQ(debug.kind, Kind::exception);
    EXPECT_EQ(debug.vector, 1);
    EXPECT_EQ(debug.qualification, 0x4000u);
}

TEST(VmxExits, AFailedEntryIsRefusedAndTheRestUnhandled) {
    EXPECT_EQ(decode({{Field::EXIT_REASON, 0x80000021}, {Field::EXIT_QUALIFICATION, 0}}).kind,
              Kind::refused);
    const Exit task_switch =
        decode({{Field::EXIT_REASON, vmx::EXIT_TASK_SWITCH}, {Field::EXIT_QUALIFICATION, 7}});
    EXPECT_EQ(task_switch.kind, Kind::unhandled);
    EXPECT_EQ(task_switch.raw, vmx::EXIT_TASK_SWITCH);
    EXPECT_EQ(task_switch.qualification, 7u);
}

TEST(VmxEvents, AreSpelledAsEntryInterruptionInformation) {
    EXPECT_EQ(x86::interrupt_event(0x30), 0x80000030u);
    EXPECT_EQ(x86::nmi_event, 0x80000202u);
    EXPECT_EQ(x86::exception_event(6), 0x80000306u);
    EXPECT_EQ(x86::exception_event(13, true), 0x80000b0du);
}

TEST(VmxEvents, ComeAgainWithoutTheBitsThatEntryReserves) {
    EXPECT_EQ(vmx::again(0x80001b0e), 0x80000b0eu);
    EXPECT_TRUE(vmx::is_software_event(0x80000480));
    EXPECT_TRUE(vmx::is_software_event(0x80000603)) << "INT3";
    EXPECT_FALSE(vmx::is_software_event(0x8000030d));
}

}  // namespace
}  // namespace hv

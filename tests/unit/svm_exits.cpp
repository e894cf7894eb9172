// Decoding SVM's exits from images of the control block, as QEMU and newer CPUs leave them.
#include <gtest/gtest.h>
#include <memory>
#include <svm/exits.hpp>
#include <x86/bits.hpp>

using namespace hv;
using namespace hv::svm;
using Kind = x86::Exit::Kind;

namespace {

class SvmExits : public testing::Test {
protected:
    x86::Exit decoded(u64 code, u64 info1 = 0, u64 info2 = 0) {
        vmcb->control.exitcode = code;
        vmcb->control.exitinfo1 = info1;
        vmcb->control.exitinfo2 = info2;
        x86::Exit exit;
        exit.length = 9;  // left behind by an earlier exit
        decode(vcpu, *vmcb, exit);
        return exit;
    }

    std::unique_ptr<Vmcb> vmcb = std::make_unique<Vmcb>();
    x86::VirtualCpu vcpu{};
};

TEST_F(SvmExits, InstructionsCountAsUnprefixedWhereTheCpuDoesNotSay) {
    const struct { u64 code; Kind kind; u8 length; } cases[] = {
        {VMEXIT_CPUID, Kind::cpuid, 2},          {VMEXIT_HLT, Kind::halt, 1},
        {VMEXIT_VMMCALL, Kind::hypercall, 3},    {VMEXIT_MSR, Kind::read_msr, 2},
        {VMEXIT_WBINVD, Kind::cache_write_back, 2}, {VMEXIT_INVD, Kind::cache_write_back, 2},
        {VMEXIT_XSETBV, Kind::extended_control, 3}, {VMEXIT_PAUSE, Kind::pause, 2},
    };
    for (const auto& expected : cases) {
        const x86::Exit exit = decoded(expected.code);
        EXPECT_EQ(exit.kind, expected.kind) << "code " << expected.code;
        EXPECT_EQ(exit.length, expected.length) << "code " << expected.code;
        EXPECT_EQ(exit.raw, expected.code);
    }
}

TEST_F(SvmExits, NextRipTellsTheLengthOfAPrefixedInstruction) {
    vmcb->save.rip = 0x1000;
    vmcb->control.next_rip = 0x1004;
    EXPECT_EQ(decoded(VMEXIT_CPUID).length, 4);
}

TEST_F(SvmExits, AWriteToAnMsrIsToldFromARead) {
    EXPECT_EQ(decoded(VMEXIT_MSR, 1).kind, Kind::write_msr);
    EXPECT_EQ(decoded(VMEXIT_MSR, 0).kind, Kind::read_msr);
}

TEST_F(SvmExits, AHypercallCarriesModeAndPrivilege) {
    vmcb->save.efer = x86::EFER_LMA | x86::EFER_LME;
    vmcb->save.cs.attributes = 0x29b;
    vmcb->save.cpl = 3;
    x86::Exit exit = decoded(VMEXIT_VMMCALL);
    EXPECT_TRUE(exit.long_mode);
    EXPECT_EQ(exit.privilege, 3);

    vmcb->save.cs.attributes = 0x49b;  // 32-bit code in long mode: a compatibility segment
    EXPECT_FALSE(decoded(VMEXIT_VMMCALL).long_mode);
    vmcb->save.cs.attributes = 0x29b;  // L without LMA means nothing
    vmcb->save.efer = 0;
    EXPECT_FALSE(decoded(VMEXIT_VMMCALL).long_mode);
}

TEST_F(SvmExits, PortsTakeTheirLengthFromTheNextRipInExitinfo2) {
    vmcb->save.rip = 0x7ffc;
    const x86::Exit out = decoded(VMEXIT_IOIO, 0x03f8u << 16 | 1u << 4, 0x7ffd);
    EXPECT_EQ(out.kind, Kind::port);
    EXPECT_EQ(out.length, 1);
    EXPECT_EQ(out.port.number, 0x3f8);
    EXPECT_EQ(out.port.size, 1);
    EXPECT_FALSE(out.port.in || out.port.string || out.port.repeated);

    const x86::Exit rep_insd =
        decoded(VMEXIT_IOIO, 0xcf8u << 16 | 4u << 4 | IOIO_TYPE_IN | IOIO_STR | IOIO_REP, 0x7ffe);
    EXPECT_EQ(rep_insd.port.number, 0xcf8);
    EXPECT_EQ(rep_insd.port.size, 4);
    EXPECT_TRUE(rep_insd.port.in && rep_insd.port.string && rep_insd.port.repeated);
}

TEST_F(SvmExits, NestedFaultsTellTheAccessAndWhatStoodInItsWay) {
    x86::Exit exit = decoded(VMEXIT_NPF, NPF_FINAL | NPF_WRITE, 0xfee000b0);
    EXPECT_EQ(exit.kind, Kind::nested_fault);
    EXPECT_EQ(exit.fault.address, Gpa{0xfee000b0});
    EXPECT_TRUE(exit.fault.write);
    EXPECT_FALSE(exit.fault.read || exit.fault.fetch || exit.fault.present);
    EXPECT_FALSE(exit.fault.in_page_walk || exit.fault.misconfigured);
    EXPECT_EQ(exit.length, 0);

    exit = decoded(VMEXIT_NPF, NPF_TABLE | NPF_WRITE | NPF_PRESENT, 0x5000);
    EXPECT_TRUE(exit.fault.in_page_walk && exit.fault.present);
    exit = decoded(VMEXIT_NPF, NPF_FINAL | NPF_FETCH, 0x5000);
    EXPECT_TRUE(exit.fault.fetch);
    EXPECT_FALSE(exit.fault.read || exit.fault.write);
    EXPECT_TRUE(decoded(VMEXIT_NPF, NPF_FINAL, 0x5000).fault.read);
    EXPECT_TRUE(decoded(VMEXIT_NPF, NPF_FINAL | NPF_RESERVED | NPF_PRESENT, 0).fault.misconfigured);
}

TEST_F(SvmExits, AWriteToCr8IsLeftToTheDecoderWhereTheCpuDoesNotHelp) {
    x86::Exit exit = decoded(VMEXIT_CR8_WRITE);
    EXPECT_EQ(exit.kind, Kind::control_register);
    EXPECT_EQ(exit.control.number, 8);
    EXPECT_FALSE(exit.control.decoded);
    EXPECT_EQ(exit.length, 0);

    vmcb->save.rip = 0x1000;
    vmcb->control.next_rip = 0x1004;
    exit = decoded(VMEXIT_CR8_WRITE, CR_DECODED | 3);
    EXPECT_TRUE(exit.control.decoded);
    EXPECT_EQ(exit.control.gpr, 3);
    EXPECT_EQ(exit.length, 4);
}

TEST_F(SvmExits, TheMachinesOwnEventsAreTheMachines) {
    EXPECT_EQ(decoded(VMEXIT_INTR).kind, Kind::external_interrupt);
    EXPECT_EQ(decoded(VMEXIT_NMI).kind, Kind::nmi);
    EXPECT_EQ(decoded(VMEXIT_INIT).kind, Kind::nmi);
    const x86::Exit check = decoded(u64{VMEXIT_EXCP0} + x86::EXCEPTION_MC);
    EXPECT_EQ(check.kind, Kind::exception);
    EXPECT_EQ(check.vector, x86::EXCEPTION_MC);
}

TEST_F(SvmExits, HiddenInstructionsAreUndefined) {
    for (const u64 code :
         {VMEXIT_VMRUN, VMEXIT_VMLOAD, VMEXIT_VMSAVE, VMEXIT_STGI, VMEXIT_CLGI, VMEXIT_SKINIT,
          VMEXIT_INVLPGA, VMEXIT_MONITOR, VMEXIT_MWAIT, VMEXIT_RDPRU})
        EXPECT_EQ(decoded(code).kind, Kind::undefined) << "code " << code;
}

TEST_F(SvmExits, ARefusedEntryIsKnownByItsLow32Bits) {
    EXPECT_EQ(decoded(0x00000000ffffffff).kind, Kind::refused);
    EXPECT_EQ(decoded(0xffffffffffffffff).kind, Kind::refused);
    EXPECT_EQ(decoded(0x401).kind, Kind::unhandled);
    EXPECT_EQ(decoded(VMEXIT_SHUTDOWN).kind, Kind::shutdown);
}

TEST_F(SvmExits, AnOpenWindowEndsTheWatch) {
    vmcb->control.v_irq = V_IRQ;
    EXPECT_EQ(decoded(VMEXIT_VINTR).kind, Kind::interrupt_window);
    EXPECT_EQ(vmcb->control.v_irq, 0);
}

TEST_F(SvmExits, AnEventCutShortIsQueuedAgain) {
    vmcb->control.exitintinfo = x86::EVENT_VALID | x86::EVENT_INTERRUPT | 0x41;
    decoded(VMEXIT_NPF, NPF_FINAL, 0x5000);
    EXPECT_EQ(vmcb->control.eventinj, x86::EVENT_VALID | x86::EVENT_INTERRUPT | 0x41);

    const u64 fault = x86::EVENT_VALID | x86::EVENT_EXCEPTION | x86::EVENT_ERROR_CODE | 14 |
                      6ull << 32;
    vmcb->control.exitintinfo = fault;
    decoded(VMEXIT_NPF, NPF_FINAL, 0x5000);
    EXPECT_EQ(vmcb->control.eventinj, fault);
}

TEST_F(SvmExits, StaleBitsOfAnOldEventAreNotAnEvent) {
    vmcb->control.exitintinfo = x86::EVENT_INTERRUPT | 0x41;
    decoded(VMEXIT_CPUID);
    EXPECT_EQ(vmcb->control.eventinj, 0u);
}

TEST_F(SvmExits, SoftwareInterruptsAreExecutedAgainNotQueued) {
    for (const u64 event : {x86::EVENT_VALID | x86::EVENT_SOFTWARE_INTERRUPT | 0x80,
                            x86::EVENT_VALID | x86::EVENT_EXCEPTION | x86::EXCEPTION_BP,
                            x86::EVENT_VALID | x86::EVENT_EXCEPTION | x86::EXCEPTION_OF}) {
        vmcb->control.exitintinfo = event;
        decoded(VMEXIT_NPF, NPF_FINAL, 0x5000);
        EXPECT_EQ(vmcb->control.eventinj, 0u) << "event " << event;
    }
}

TEST_F(SvmExits, DebugAndAlignmentFaultsGoOnToTheGuest) {
    EXPECT_EQ(decoded(u64{VMEXIT_EXCP0} + x86::EXCEPTION_DB).kind, Kind::resolved);
    EXPECT_EQ(vmcb->control.eventinj, x86::EVENT_VALID | x86::EVENT_EXCEPTION | x86::EXCEPTION_DB);
    EXPECT_EQ(decoded(u64{VMEXIT_EXCP0} + x86::EXCEPTION_AC).kind, Kind::resolved);
    EXPECT_EQ(vmcb->control.eventinj,
              x86::EVENT_VALID | x86::EVENT_EXCEPTION | x86::EVENT_ERROR_CODE | x86::EXCEPTION_AC);
}

TEST_F(SvmExits, TheGuestsIretEndsTheWaitForTheNextNmi) {
    vcpu.engine_bits = NMI_BLOCKED | NMI_WAITING;
    intercept(vmcb->control, VMEXIT_IRET, true);
    intercept(vmcb->control, VMEXIT_HLT, true);
    EXPECT_EQ(decoded(VMEXIT_IRET).kind, Kind::resolved);
    EXPECT_EQ(vcpu.engine_bits, NMI_RETURNING | NMI_WAITING);
    EXPECT_EQ(vmcb->control.intercepts[3], 1u << 24) << "HLT's alone";
}

TEST_F(SvmExits, AGuestFoundWhereItEnteredInAShadowIsInItStill) {
    vmcb->save.rip = 0x1000;
    vmcb->control.interrupt_shadow = INTERRUPT_SHADOW;
    decoded(VMEXIT_INTR);

    // Entered again, QEMU has dropped the shadow, and the guest has not moved
    for (const u64 code : {VMEXIT_VINTR, VMEXIT_INTR}) {
        vmcb->control.interrupt_shadow = 0;
        decoded(code);
        EXPECT_TRUE(vmcb->control.interrupt_shadow & INTERRUPT_SHADOW) << "code " << code;
    }

    vmcb->control.interrupt_shadow = 0;
    vmcb->save.rip = 0x1001;
    decoded(VMEXIT_INTR);
    EXPECT_FALSE(vmcb->control.interrupt_shadow & INTERRUPT_SHADOW);
    vmcb->save.rip = 0x1000;  // come back without an STI
    decoded(VMEXIT_INTR);
    EXPECT_FALSE(vmcb->control.interrupt_shadow & INTERRUPT_SHADOW);
}

}  // namespace

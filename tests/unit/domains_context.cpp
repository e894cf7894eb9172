// A vCPU's state as records: written by a toolstack, read again, and refused when it cannot be.
#include <domains/shared_info.hpp>
#include <unit/small_machine.hpp>
#include <xen/hvm/save.h>

using namespace hv;
using namespace hv::test;

namespace {

constexpr u64 buffer_at = 0x10000;

class Context : public ::testing::Test {
protected:
    SmallMachine small;
    Domain& dom0 = small.add_domain();
    Domain& guest = small.add_domain();
    u32 used = 0;

    void begin() {
        used = 0;
        hvm_save_header header{HVM_FILE_MAGIC, HVM_FILE_VERSION, 0, 0, 0};
        put(HVM_SAVE_CODE(HEADER), 0, &header, sizeof header);
    }
    void put(u16 type, u16 instance, const void* body, u32 length) {
        small.put(dom0, buffer_at + used, hvm_save_descriptor{type, instance, length});
        used += sizeof(hvm_save_descriptor);
        if (length != 0)
            __builtin_memcpy(small.at(dom0, buffer_at + used), body, length);
        used += length;
    }
    s64 load() {
        put(HVM_SAVE_CODE(END), 0, nullptr, 0);
        auto op = domctl_of(XEN_DOMCTL_sethvmcontext, guest.id);
        op.u.hvmcontext.size = used;
        op.u.hvmcontext.buffer.p = reinterpret_cast<u8*>(buffer_at);
        return small.domctl(dom0, op);
    }
    static hvm_hw_cpu pvh_start() {
        hvm_hw_cpu cpu{};
        cpu.cr0 = 0x11;
        cpu.rip = 0x100000;
        cpu.rbx = 0x5000;
        cpu.rflags = 2;
        cpu.cs_arbytes = 0xc9b;
        cpu.ds_arbytes = cpu.es_arbytes = cpu.ss_arbytes = 0xc93;
        cpu.cs_limit = cpu.ds_limit = cpu.es_limit = cpu.ss_limit = ~0u;
        cpu.tr_arbytes = 0x8b;
        cpu.tr_limit = 0x67;
        return cpu;
    }
};

TEST_F(Context, StartsAPvhGuestAndReadsTheSameAgain) {
    const hvm_hw_cpu told = pvh_start();
    hvm_hw_mtrr mtrr{};
    mtrr.msr_mtrr_def_type = 0xc06;
    begin();
    put(HVM_SAVE_CODE(CPU), 0, &told, sizeof told);
    put(HVM_SAVE_CODE(MTRR), 0, &mtrr, sizeof mtrr);
    EXPECT_EQ(load(), 0);
    EXPECT_FALSE(guest.vcpus[0]->down.load());
    EXPECT_EQ(guest.vcpus[0]->hardware.gpr.rbx, 0x5000u);
    EXPECT_EQ(guest.vcpus[0]->mtrr.default_type, 0xc06u);
    x86::CpuState state;
    paper_engine.read_state(guest.vcpus[0]->hardware, state);
    EXPECT_EQ(state.cs.attributes, 0xc09bu);
    EXPECT_EQ(state.fs.attributes, 0x10000u) << "not present: unusable";

    auto ask = domctl_of(XEN_DOMCTL_gethvmcontext, guest.id);
    ask.u.hvmcontext = {4096, {reinterpret_cast<u8*>(buffer_at)}};
    EXPECT_EQ(small.domctl(dom0, ask), 0);
    struct {
        hvm_save_descriptor head;
        hvm_save_header header;
        hvm_save_descriptor cpu_head;
        hvm_hw_cpu cpu;
    } stream;
    small.get(dom0, buffer_at, stream);
    EXPECT_EQ(stream.cpu_head.typecode, HVM_SAVE_CODE(CPU));
    const hvm_hw_cpu& seen = stream.cpu;
    EXPECT_EQ(seen.rip, told.rip);
    EXPECT_EQ(seen.cs_arbytes, told.cs_arbytes);
    EXPECT_EQ(seen.tr_limit, told.tr_limit);
}

TEST_F(Context, TellsItsSizeFirst) {
    auto ask = domctl_of(XEN_DOMCTL_gethvmcontext, guest.id);
    EXPECT_EQ(small.domctl(dom0, ask), 0);
    const u32 size = ask.u.hvmcontext.size;
    EXPECT_GT(size, sizeof(hvm_hw_cpu));
    ask.u.hvmcontext.buffer.p = reinterpret_cast<u8*>(buffer_at);
    EXPECT_EQ(small.domctl(dom0, ask), 0);
    EXPECT_EQ(ask.u.hvmcontext.size, size);
    hvm_save_header header;
    small.get(dom0, buffer_at + sizeof(hvm_save_descriptor), header);
    EXPECT_EQ(header.magic, u32{HVM_FILE_MAGIC});
    ask.u.hvmcontext.size = 100;
    EXPECT_EQ(small.domctl(dom0, ask), -XEN_ENOSPC);
}

TEST_F(Context, RefusesWhatNoCpuCanBe) {
    hvm_hw_cpu cpu = pvh_start();
    cpu.cr4 = 1 << 13;  // VMXE
    begin();
    put(HVM_SAVE_CODE(CPU), 0, &cpu, sizeof cpu);
    EXPECT_EQ(load(), -XEN_EINVAL);
    cpu = pvh_start();
    begin();
    put(HVM_SAVE_CODE(CPU), 7, &cpu, sizeof cpu);
    EXPECT_EQ(load(), -XEN_EINVAL) << "no vCPU 7";
    begin();
    put(HVM_SAVE_CODE(CPU), 0, &cpu, sizeof cpu - 8);
    EXPECT_EQ(load(), -XEN_EINVAL) << "too short";
    begin();
    put(HVM_SAVE_CODE(PIT), 0, &cpu, sizeof(hvm_hw_pit));
    EXPECT_EQ(load(), -XEN_EINVAL) << "a device that does not exist here";
    begin();
    hvm_save_descriptor long_one{HVM_SAVE_CODE(CPU), 0, ~0u};
    small.put(dom0, buffer_at + used, long_one);
    auto op = domctl_of(XEN_DOMCTL_sethvmcontext, guest.id);
    op.u.hvmcontext.size = used + sizeof long_one;
    op.u.hvmcontext.buffer.p = reinterpret_cast<u8*>(buffer_at);
    EXPECT_EQ(small.domctl(dom0, op), -XEN_ENODATA) << "a length beyond the end";
}

TEST_F(Context, ShowsTimeThatAgreesWithTheMachines) {
    Clock& clock = small.machine().clock;
    Vcpu& vcpu = *guest.vcpus[0];
    clock.hosted_ticks = 7'200'000'123;
    show_time(vcpu);
    const vcpu_time_info_t time = vcpu.info->abi.time;
    EXPECT_EQ(time.version % 2, 0u);
    EXPECT_EQ(time.system_time, clock.now());

    // As a guest computes it, a second of ticks later
    const u64 later = clock.hosted_ticks + 2'400'000'000 + vcpu.hardware.tsc_offset;
    u64 delta = later - time.tsc_timestamp;
    delta = time.tsc_shift < 0 ? delta >> -time.tsc_shift : delta << time.tsc_shift;
    const auto product = static_cast<unsigned __int128>(delta) * time.tsc_to_system_mul;
    const u64 nanoseconds = time.system_time + static_cast<u64>(product >> 32);
    EXPECT_NEAR(static_cast<double>(nanoseconds), static_cast<double>(clock.now()) + 1e9, 3.0);
}

TEST_F(Context, ShowsTheTimeAnewOnlyWhenThatIsDue) {
    Clock& clock = small.machine().clock;
    Vcpu& vcpu = *guest.vcpus[0];
    const auto shown_in_turn_at = [&](u64 ticks) {
        clock.hosted_ticks = ticks;
        vcpu.runstate.state_entry_time = clock.now();
        const u32 before = vcpu.info->abi.time.version;
        runstate_changed(vcpu);
        vcpu.hardware.last_cpu = vcpu.cpu.load();
        return vcpu.info->abi.time.version != before;
    };
    EXPECT_TRUE(shown_in_turn_at(2'400'000'000)) << "the first turn";
    EXPECT_FALSE(shown_in_turn_at(2'500'000'000)) << "what it was shown is still good";
    EXPECT_TRUE(shown_in_turn_at(5'000'000'000)) << "a second later";
    EXPECT_FALSE(shown_in_turn_at(5'100'000'000));
    vcpu.hardware.last_cpu = 1;
    EXPECT_TRUE(shown_in_turn_at(5'200'000'000)) << "it ran on another pCPU";
}

TEST_F(Context, WritesTheWallClockInTheLayoutOfTheGuest) {
    const auto* page = small.machine().memory.at(guest.shared_info_frame);
    const auto seconds_at = [&](size_t offset) {
        u32 seconds;
        __builtin_memcpy(&seconds, page + offset, sizeof seconds);
        return seconds;
    };
    show_wall_clock(guest);
    EXPECT_EQ(seconds_at(3072 + 4), 1'790'000'000u);
    latch_width(guest, false);
    EXPECT_EQ(seconds_at(2304 + 4), 1'790'000'000u);
    EXPECT_EQ(event_words(guest).bits_per_word, 32u);
}

}  // namespace

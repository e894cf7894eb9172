// The trace: what is asked for is noted, rings lose the oldest, and dom0 reads and switches it.
#include <boot/trace.hpp>
#include <domains/exits.hpp>
#include <domains/trace.hpp>
#include <unit/small_machine.hpp>
#include <xen/sysctl.h>

using namespace hv;
using namespace hv::test;

namespace {

TEST(TraceRing, KeepsTheLatestRecords) {
    alignas(TraceRecord) u8 room[sizeof(TraceRecord) * 9] = {};
    TraceRing& ring = *TraceRing::lay(room, sizeof room);
    EXPECT_EQ(ring.capacity, 8u) << "the ring itself takes the room of one";
    for (u64 n = 0; n < 18; ++n)
        ring.put({.time = n});
    EXPECT_EQ(ring.written, 18u);
    EXPECT_EQ(ring.at(17).time, 17u);
    EXPECT_EQ(ring.at(10).time, 10u) << "the oldest that is left";
    EXPECT_EQ(ring.at(9).time, 17u) << "its place was taken";
}

TEST(TraceBits, AreOneOfAChapterOrOfAFrequentKind) {
    EXPECT_EQ(domain_created.bit(), 1u << static_cast<unsigned>(Chapter::domains));
    EXPECT_EQ(boot::woken.bit(), 1u);
    EXPECT_EQ(vcpu_exited.bit(), trace_exits);
    for (const TraceEvent* event : domain_events) {
        EXPECT_EQ(domain_events[event->number], event) << event->name;
        EXPECT_EQ((event->bit() & trace_rare) != 0, event->frequent == 0) << event->name;
    }
}

/// A machine of two pCPUs, each with a ring of one page.
class Traced : public ::testing::Test {
protected:
    bool lay_rings() {
        Machine& machine = small.machine();
        machine.trace_bytes = page_size;
        const Mfn block = *machine.frames.take(owner_hypervisor, 1);
        machine.trace_rings = address_of(block);
        for (unsigned number = 0; number < 2; ++number) {
            machine.frames.row(Mfn{block.value + number}).uses = 1;
            open_trace(*machine.cpus[number], ring_at(block, number), page_size);
        }
        return true;
    }

    void* ring_at(Mfn block, unsigned number) {
        return small.machine().memory.at(Mfn{block.value + number});
    }

    /// XEN_SYSCTL_tbuf_op by `caller`; `op` is as the hypervisor left it.
    s64 ask(Domain& caller, u32 command) {
        xen_sysctl_t call{};
        call.cmd = XEN_SYSCTL_tbuf_op;
        call.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
        call.u.tbuf_op = op;
        call.u.tbuf_op.cmd = command;
        small.put(caller, 0x8000, call);
        const s64 answer = small.call(caller, __HYPERVISOR_sysctl, {0x8000});
        small.get(caller, 0x8000, call);
        op = call.u.tbuf_op;
        return answer;
    }

    s64 set_mask(u32 mask) {
        op.evt_mask = mask;
        return ask(dom0, XEN_SYSCTL_TBUFOP_set_evt_mask);
    }

    s64 set_cpus(u8 bitmap, u32 bits) {
        small.put(dom0, 0x9000, bitmap);
        op.cpu_mask.bitmap.p = reinterpret_cast<decltype(op.cpu_mask.bitmap.p)>(0x9000);
        op.cpu_mask.nr_bits = bits;
        return ask(dom0, XEN_SYSCTL_TBUFOP_set_cpu_mask);
    }

    u64 noted() { return small.cpu().trace->written; }
    const TraceRecord& last() { return small.cpu().trace->at(noted() - 1); }

    /// XENMEM_add_to_physmap_batch of one page of the hypervisor's own; returns the entry's error.
    s64 map(Domain& caller, u64 frame, u64 gfn) {
        small.put(caller, 0xa000, frame);
        small.put(caller, 0xa008, gfn);
        small.put(caller, 0xa010, int{77});
        xen_add_to_physmap_batch_t batch{};
        batch.domid = DOMID_SELF;
        batch.space = XENMAPSPACE_gmfn_foreign;
        batch.size = 1;
        batch.u.foreign_domid = DOMID_XEN;
        set(batch.idxs, 0xa000);
        set(batch.gpfns, 0xa008);
        set(batch.errs, 0xa010);
        const s64 answer = small.call_with(caller, __HYPERVISOR_memory_op,
                                           XENMEM_add_to_physmap_batch, batch, 0x8800);
        int error = 0;
        small.get(caller, 0xa010, error);
        return answer != 0 ? answer : error;
    }
    template <class Handle>
    static void set(Handle& handle, u64 address) {
        handle.p = reinterpret_cast<decltype(handle.p)>(address);
    }

    SmallMachine small{64 * MiB, 2};
    const bool rings_laid = lay_rings();  // before the domains, whose births are noted
    Domain& dom0 = small.add_domain();
    Domain& guest = small.add_domain();
    xen_sysctl_tbuf_op op{};
};

TEST_F(Traced, NotesBirthsFromTheStartAndNoHypercalls) {
    EXPECT_EQ(noted(), 4u) << "two domains made, two vCPUs brought up";
    EXPECT_EQ(last().number, vcpu_up.number);
    EXPECT_EQ(last().domain, guest.id);
    x86::Exit exit;
    exit.kind = x86::Exit::Kind::hypercall;
    note_exit(small.cpu(), *guest.vcpus[0], exit);
    EXPECT_EQ(noted(), 4u);
}

TEST_F(Traced, NotesWhatDom0AsksFor) {
    x86::Exit exit;
    exit.kind = x86::Exit::Kind::hypercall;
    exit.long_mode = true;
    guest.vcpus[0]->hardware.gpr.rax = __HYPERVISOR_event_channel_op;
    guest.vcpus[0]->hardware.gpr.rdi = 4;
    ASSERT_EQ(set_mask(trace_hypercalls), 0);
    note_exit(small.cpu(), *guest.vcpus[0], exit);
    EXPECT_EQ(last().number, hypercall_made.number);
    EXPECT_EQ(last().values,
              (std::array<u64, 4>{guest.id, 0, __HYPERVISOR_event_channel_op, 4}));
    const u64 before = noted();
    exit.kind = x86::Exit::Kind::halt;
    note_exit(small.cpu(), *guest.vcpus[0], exit);
    trace(small.cpu(), domain_gone, guest.id, 0, guest.id);
    EXPECT_EQ(noted(), before) << "neither exits nor rare events were asked for";
    ASSERT_EQ(set_mask(trace_exits), 0);
    note_exit(small.cpu(), *guest.vcpus[0], exit);
    EXPECT_EQ(last().values[2], static_cast<u64>(x86::Exit::Kind::halt));
}

TEST_F(Traced, TellsDom0WhereTheRingsAre) {
    ASSERT_EQ(ask(dom0, XEN_SYSCTL_TBUFOP_get_info), 0);
    EXPECT_EQ(op.buffer_mfn, frame_of(small.machine().trace_rings).value);
    EXPECT_EQ(op.size, page_size);
    EXPECT_EQ(op.evt_mask, trace_rare);
}

TEST_F(Traced, StopsOnWhichPcpusDom0Says) {
    Cpu& other = *small.machine().cpus[1];
    ASSERT_EQ(set_cpus(0b10, 2), 0);
    EXPECT_EQ(small.cpu().traced, 0u);
    EXPECT_EQ(other.traced, trace_rare);
    ASSERT_EQ(set_cpus(0xff, 1), 0) << "bits beyond the bitmap's length say nothing";
    EXPECT_EQ(small.cpu().traced, trace_rare);
    EXPECT_EQ(other.traced, 0u);
    ASSERT_EQ(set_cpus(0xff, ~0u), 0) << "more than there are";
    EXPECT_EQ(other.traced, trace_rare);

    ASSERT_EQ(ask(dom0, XEN_SYSCTL_TBUFOP_disable), 0);
    EXPECT_EQ(small.cpu().traced, 0u);
    ASSERT_EQ(set_mask(trace_turns), 0);
    EXPECT_EQ(small.cpu().traced, 0u) << "off is off, whatever the mask";
    ASSERT_EQ(ask(dom0, XEN_SYSCTL_TBUFOP_enable), 0);
    EXPECT_EQ(small.cpu().traced, trace_turns);
}

TEST_F(Traced, RefusesWhatItCannotDo) {
    EXPECT_EQ(ask(guest, XEN_SYSCTL_TBUFOP_get_info), -XEN_EPERM);
    EXPECT_EQ(ask(dom0, XEN_SYSCTL_TBUFOP_set_size), -XEN_EINVAL) << "that is an option at boot";
    EXPECT_EQ(ask(dom0, 99), -XEN_EINVAL);
    set(op.cpu_mask.bitmap, 0x7fffffff000);
    op.cpu_mask.nr_bits = 8;
    EXPECT_EQ(ask(dom0, XEN_SYSCTL_TBUFOP_set_cpu_mask), -XEN_EFAULT);
    EXPECT_EQ(small.cpu().traced, trace_rare) << "and nothing has changed";
}

TEST_F(Traced, ShowsDom0TheRingsToReadOnly) {
    const u64 first = frame_of(small.machine().trace_rings).value;
    ASSERT_EQ(map(dom0, first + 1, 0x300), 0);
    const auto page = dom0.p2m.look_up(Gfn{0x300});
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->frame.value, first + 1);
    EXPECT_FALSE(page->access.write);
    EXPECT_EQ(map(guest, first, 0x300), -XEN_EPERM);
    EXPECT_EQ(map(dom0, first + 2, 0x301), -XEN_EINVAL) << "beyond the last ring";
    EXPECT_EQ(map(dom0, first - 1, 0x301), -XEN_EINVAL);
    EXPECT_EQ(map(dom0, ~0ull, 0x301), -XEN_EINVAL);

    // Unmapped again, the frames stay the hypervisor's
    xen_remove_from_physmap_t removal{DOMID_SELF, 0x300};
    ASSERT_EQ(
        small.call_with(dom0, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, removal), 0);
    EXPECT_EQ(small.machine().frames.row(Mfn{first + 1}).uses, 1u);
}

TEST_F(Traced, TellsTheTurnsOfAVcpu) {
    ASSERT_EQ(set_mask(trace_turns), 0);
    const u64 before = noted();
    Vcpu& vcpu = *guest.vcpus[0];
    ASSERT_TRUE(unpause(guest).ok());
    const Choice choice = household(small.machine()).scheduler->choose(small.cpu());
    ASSERT_EQ(choice.vcpu, &vcpu);
    begin_turn(small.cpu(), vcpu, choice.slice, 0);
    end_turn(small.cpu(), vcpu, 0);
    (void)household(small.machine()).scheduler->choose(small.cpu());
    begin_turn(small.cpu(), vcpu, choice.slice, 0);
    block(small.cpu(), vcpu);
    end_turn(small.cpu(), vcpu, 0);
    unblock(vcpu);
    const u8 expected[] = {vcpu_scheduled.number, vcpu_put_away.number, vcpu_scheduled.number,
                           vcpu_blocked.number, vcpu_woken.number};
    ASSERT_EQ(noted() - before, std::size(expected));
    for (u64 i = 0; i < std::size(expected); ++i)
        EXPECT_EQ(small.cpu().trace->at(before + i).number, expected[i]) << i;
}

}  // namespace

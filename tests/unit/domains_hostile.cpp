// A guest that means harm, one call at a time, and a dom0 that ends: what it costs, and whom.
#include <boot/hosted/twin.hpp>
#include <domains/exits.hpp>
#include <domains/guest_memory.hpp>
#include <functional>
#include <unit/small_machine.hpp>
#include <xen/sched.h>
#include <xen/vcpu.h>

using namespace hv;
using namespace hv::test;

namespace {

class Hostile : public ::testing::Test {
protected:
    Machine& machine() { return small.machine(); }
    std::string said() {
        std::string text(Console::ring_size, '\0');
        text.resize(machine().console.copy_ring(0, text.data(), text.size()));
        return text;
    }
    /// Maps one of the guest's frames once more, with no use for it: whoever holds it is the last
    /// to let go, as when another vCPU gave it back in the meantime.
    void map_on_its_way_out(Gfn gfn, x86::Access access) {
        const Mfn frame = *machine().frames.take(guest.id);
        guest.frames_owned += 1;
        ASSERT_TRUE(guest.p2m.add(gfn, frame, 0, access).ok());
    }
    void end(Domain& domain) {
        const DomainRef held = find_domain(machine(), domain.id);
        while (destroy(small.cpu(), domain) == Progress::again)
            ;
    }

    SmallMachine small;
    Domain& dom0 = small.add_domain();
    const u64 before = machine().frames.free_count();
    Domain& guest = small.add_domain();
};

TEST_F(Hostile, AVcpuInfoInAPageThatIsBeingGivenBack) {
    map_on_its_way_out(Gfn{0x1000}, x86::read_only);
    small.put(guest, 0x8000, vcpu_register_vcpu_info_t{0x1000, 0, 0});
    EXPECT_EQ(small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, 0x8000}),
              -XEN_EINVAL);
}

TEST_F(Hostile, ATimeAreaInAPageThatIsBeingGivenBack) {
    map_on_its_way_out(Gfn{0x1000}, x86::read_write);
    guest.vcpus[0]->time_area = 0x1000 * page_size;
    small.put(guest, 0x8000, vcpu_register_vcpu_info_t{0x30, 0, 0});
    EXPECT_EQ(small.call(guest, __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, 0x8000}), 0);
}

TEST_F(Hostile, PagesSoFarApartThatTheyNeedATableEach) {
    s64 placed = 1;
    const u64 free = machine().frames.free_count();
    for (u64 step = 1; step < 1024 && placed == 1; ++step) {
        // One page comes and goes; the tables on its way stay
        small.put(guest, 0x8000, xen_pfn_t{step << 18});
        guest.frames_limit = guest.frames_owned + 1;
        xen_memory_reservation_t wish{};
        wish.extent_start.p = reinterpret_cast<xen_pfn_t*>(0x8000);
        wish.nr_extents = 1;
        wish.domid = DOMID_SELF;
        placed = small.call_with(guest, __HYPERVISOR_memory_op, XENMEM_populate_physmap, wish,
                                 0x9000);
        if (placed == 1) {
            EXPECT_EQ(small.call_with(guest, __HYPERVISOR_memory_op, XENMEM_decrease_reservation,
                                      wish, 0x9000), 1);
        }
    }
    EXPECT_EQ(placed, 0) << "its tables have their limit, too";
    EXPECT_LE(guest.p2m.table_frames(), 256u);
    EXPECT_GE(machine().frames.free_count() + 256, free);
}

TEST_F(Hostile, ALargePageWhereAnEmptyTableWas) {
    for (u64 gfn = 0; gfn < 512; ++gfn) {
        Quarantine quarantine{guest};
        ASSERT_TRUE(take_ram(guest, Gfn{gfn}, 0, quarantine).ok());
    }
    const u64 generation = guest.p2m.generation();
    ASSERT_TRUE(give_ram(guest, Gfn{0}, 9).ok());
    EXPECT_GT(guest.p2m.generation(), generation)
        << "a CPU may remember the way into the table that is free now";
}

/// A guest in long mode that changes its tables between two copies. What it reads and writes is at
/// `address`, whose entry is at `entry`.
class ChangingTables : public Hostile {
protected:
    static constexpr u64 address = 0x5008, entry = 0x13000 + 5 * 8, first = 0x20000;
    static constexpr u64 used = x86::PTE_P | x86::PTE_RW | x86::PTE_A | x86::PTE_D;

    ChangingTables() {
        for (u64 table = 0x10000; table < 0x13000; table += page_size)
            small.put(guest, table, (table + page_size) | used);
        for (u64 i = 0; i < 4; ++i)
            small.put(guest, first + i * page_size + 8, i);
        lead_to(0);
        set_root(0x10000);
    }
    void set_root(u64 root) {
        x86::CpuState state{};
        state.cr0 = x86::CR0_PE | x86::CR0_PG | x86::CR0_WP;
        state.cr3 = root;
        state.cr4 = x86::CR4_PAE;
        state.efer = x86::EFER_LME | x86::EFER_LMA | x86::EFER_NXE;
        ASSERT_TRUE(machine().engine->write_state(vcpu.hardware, state).ok());
    }
    void lead_to(u64 page, u64 bits = used) {
        small.put(guest, entry, (first + page * page_size) | bits);
    }
    /// What two reads find, the second by what the first remembers; -1: a fault.
    s64 read() {
        s64 found[2] = {-1, -1};
        for (s64& one : found)
            if (!read_guest(vcpu, &one, address, sizeof one).ok())
                one = -1;
        EXPECT_EQ(found[0], found[1]);
        return found[1];
    }
    bool write(s64 value) {
        const bool done = write_guest(vcpu, address, &value, sizeof value).ok();
        EXPECT_EQ(write_guest(vcpu, address, &value, sizeof value).ok(), done);
        return done;
    }
    u64 entry_now() {
        u64 now = 0;
        small.get(guest, entry, now);
        return now;
    }

    Vcpu& vcpu = *guest.vcpus[0];
};

TEST_F(ChangingTables, LeadElsewhere) {
    EXPECT_EQ(read(), 0);
    lead_to(1);
    EXPECT_EQ(read(), 1);
    lead_to(1, used & ~u64{x86::PTE_P});
    EXPECT_EQ(read(), -1);
    lead_to(2);
    EXPECT_EQ(read(), 2);
    // A table in the middle, and another root
    small.put(guest, 0x14000 + 5 * 8, (first + 3 * page_size) | used);
    small.put(guest, 0x12000, 0x14000 | used);
    EXPECT_EQ(read(), 3);
    small.put(guest, 0x15000, 0x11000 | used);
    set_root(0x15000);
    EXPECT_EQ(read(), 3);
    small.put(guest, 0x15000, u64{0});
    EXPECT_EQ(read(), -1);
}

TEST_F(ChangingTables, ForbidWhatTheyAllowed) {
    EXPECT_EQ(read(), 0);
    EXPECT_TRUE(write(7));
    EXPECT_EQ(read(), 7);
    lead_to(0, used & ~u64{x86::PTE_RW});
    EXPECT_EQ(read(), 7);
    EXPECT_FALSE(write(8));
    EXPECT_EQ(read(), 7);
}

TEST_F(ChangingTables, AreMarkedAgain) {
    for (int i = 0; i < 3; ++i) {
        lead_to(0, x86::PTE_P | x86::PTE_RW);
        EXPECT_EQ(read(), i == 0 ? 0 : 5);
        EXPECT_EQ(entry_now() & (x86::PTE_A | x86::PTE_D), u64{x86::PTE_A});
        EXPECT_TRUE(write(5));
        EXPECT_EQ(entry_now() & (x86::PTE_A | x86::PTE_D), u64{x86::PTE_A | x86::PTE_D});
    }
}

TEST_F(ChangingTables, LoseTheirMemory) {
    for (const u64 gone : {first, u64{0x12000}}) {
        EXPECT_EQ(read(), 0);
        {
            Quarantine quarantine{guest};
            ASSERT_TRUE(take_ram(guest, frame_of(Gpa{gone}), 0, quarantine).ok());
        }
        EXPECT_EQ(read(), -1);
        ASSERT_TRUE(give_ram(guest, frame_of(Gpa{gone}), 0).ok());
        EXPECT_EQ(read(), gone == first ? 0 : -1) << "what is new is zeroed";
    }
}

TEST_F(ChangingTables, AreNotWalkedAgainForAnOutcome) {
    ASSERT_TRUE(write(7));
    Call call{small.cpu(), vcpu, true};
    ASSERT_TRUE(call.read<s64>(address).ok());
    lead_to(1);
    EXPECT_TRUE(call.write_back(address, s64{8}).ok());
    EXPECT_EQ(small.at(guest, first + 8)[0], 8) << "it is written where the call has read";
    EXPECT_EQ(read(), 1) << "the next call walks";
    lead_to(0);
    EXPECT_EQ(read(), 8);
}

TEST_F(ChangingTables, ForbidAnOutcome) {
    lead_to(0, used & ~u64{x86::PTE_RW});
    Call call{small.cpu(), vcpu, true};
    ASSERT_TRUE(call.read<s64>(address).ok());
    EXPECT_EQ(call.write_back(address, s64{8}).error().code, XEN_EFAULT);
    EXPECT_EQ(read(), 0);
}

TEST_F(ChangingTables, LoseTheMemoryOfAnOutcome) {
    for (const bool elsewhere : {false, true}) {
        ASSERT_TRUE(write(7));
        Call call{small.cpu(), vcpu, true};
        ASSERT_TRUE(call.read<s64>(address).ok());
        const Mfn frame = *guest.p2m.hold_own(frame_of(Gpa{first}), guest.id, true);
        {
            Quarantine quarantine{guest};
            ASSERT_TRUE(take_ram(guest, frame_of(Gpa{first}), 0, quarantine).ok());
            if (elsewhere)  // another pCPU shoots us down, and knows nothing of what we remember
                shoot_down(guest);
        }
        EXPECT_EQ(call.write_back(address, s64{8}).error().code, XEN_EFAULT);
        EXPECT_EQ(machine().memory.at(frame)[8], 7);
        end_use(machine(), frame);
        ASSERT_TRUE(give_ram(guest, frame_of(Gpa{first}), 0).ok());
    }
}

TEST_F(ChangingTables, HoldAnOutcomeOnTwoPages) {
    small.put(guest, entry + 8, (first + page_size) | used);
    const u64 last = align_down(address, page_size) + page_size - 4;
    Call call{small.cpu(), vcpu, true};
    for (const u64 value : {0x1122334455667788ull, 0x99aabbccddeeff00ull}) {
        ASSERT_TRUE(call.read<u64>(last).ok());
        EXPECT_TRUE(call.write_back(last, value).ok());
        EXPECT_EQ(*call.read<u64>(last), value);
    }
    EXPECT_EQ(static_cast<u8>(small.at(guest, first + page_size)[0]), 0xcc);
}

TEST_F(ChangingTables, TakeAnOutcomeFromNarrowGuests) {
    x86::CpuState unpaged{};
    unpaged.cr0 = x86::CR0_PE;
    ASSERT_TRUE(machine().engine->write_state(vcpu.hardware, unpaged).ok());
    Call call{small.cpu(), vcpu, false};
    ASSERT_TRUE(call.read<s64>(first).ok());
    EXPECT_TRUE(call.write_back(4 * GiB + first, s64{9}).ok()) << "the address goes round";
    EXPECT_EQ(small.at(guest, first)[0], 9);
}

TEST_F(ChangingTables, AreNotAnotherDomains) {
    EXPECT_EQ(read(), 0);
    Domain& other = small.add_domain();
    s64 found = -1;
    EXPECT_TRUE(read_guest(*other.vcpus[0], &found, address, sizeof found).ok());
    EXPECT_EQ(found, 0);
    small.put(other, address, s64{9});
    EXPECT_TRUE(read_guest(*other.vcpus[0], &found, address, sizeof found).ok());
    EXPECT_EQ(found, 9) << "unpaged";
    EXPECT_EQ(read(), 0);
}

TEST_F(Hostile, AMoveForWhichThereIsNoTable) {
    guest.p2m.pool = guest.p2m.table_frames() + 1;  // enough to split a superpage, and no more
    xen_add_to_physmap_t wish{};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_gmfn;
    wish.idx = 0x20;
    wish.gpfn = 0x7000000;
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, wish),
              -XEN_ENOMEM);
    const DomainId id = guest.id;
    end(guest);
    EXPECT_FALSE(find_domain(machine(), id)) << "no page of it was forgotten";
    EXPECT_EQ(machine().frames.free_count(), before);
}

/// How dom0 can end, what the machine does then, and what is said of it.
struct Way {
    const char* name;
    std::function<void(SmallMachine& small, Domain& dom0)> go;
    const char* machine;
    const char* sentence;
};

constexpr auto shut_itself_down = [](u32 reason) {
    return [=](SmallMachine& small, Domain& dom0) {
        sched_shutdown_t wish{reason};
        (void)small.call_with(dom0, __HYPERVISOR_sched_op, SCHEDOP_shutdown, wish);
    };
};
constexpr const char *off = "the machine powered off", *off_said = "turns the machine off",
                     *lost_said = "I go on, and so do the guests";

const Way ways[] = {
    {"PowersOff", shut_itself_down(SHUTDOWN_poweroff), off, off_said},
    {"Reboots", shut_itself_down(SHUTDOWN_reboot), "the machine was reset", "anew"},
    {"Crashes", shut_itself_down(SHUTDOWN_crash), "", lost_said},
    {"Suspends", shut_itself_down(SHUTDOWN_suspend), "", lost_said},
    {"EndsItselfFromAfar", [](SmallMachine& small, Domain& dom0) {
         sched_remote_shutdown_t wish{dom0.id, SHUTDOWN_poweroff};
         (void)small.call_with(dom0, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, wish);
     }, off, off_said},
    {"HaltsForEver", [](SmallMachine& small, Domain& dom0) {
         answer_halt(small.cpu(), *dom0.vcpus[0], false);
     }, off, off_said},
    {"TakesItsLastVcpuDown", [](SmallMachine& small, Domain& dom0) {
         (void)small.call(dom0, __HYPERVISOR_vcpu_op, {VCPUOP_down, 0});
     }, off, off_said},
    {"BreaksDown", [](SmallMachine& small, Domain& dom0) {
         crash(small.cpu(), *dom0.vcpus[0], "triple fault");
     }, "", lost_said},
};

class Dom0Ends : public Hostile, public ::testing::WithParamInterface<Way> {};

TEST_P(Dom0Ends, InOneClearSentence) {
    std::string machine_did;
    try {
        GetParam().go(small, dom0);
    } catch (const Panic& ended) {
        machine_did = ended.what();
    }
    EXPECT_EQ(machine_did, GetParam().machine);
    EXPECT_NE(said().find(GetParam().sentence), std::string::npos) << said();
    EXPECT_EQ(dom0.life.load(), Life::shut_down);
    EXPECT_EQ(guest.life.load(), Life::building) << "the guest is as it was";
    EXPECT_FALSE(dom0.vcpus[0]->may_run());
}

INSTANTIATE_TEST_SUITE_P(EachWay, Dom0Ends, ::testing::ValuesIn(ways),
                         [](const auto& way) { return way.param.name; });

}  // namespace

// The toolstack looks where a domain's events are marked: in both layouts of shared_info, and in a
// FIFO guest's words.
#include <events/marks.hpp>
#include <unit/events_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class EventMarksShown : public EventGuests {
protected:
    static constexpr u64 list_at = 0x9000, place = 0x700, words_gfn = 0x40, control_gfn = 0x41;

    const DomainId id = guest.id;

    s64 acquire(EventMarks layout, u64 frame = 0) {
        xen_mem_acquire_resource_t wish{};
        wish.domid = id;
        wish.type = resource_event_marks;
        wish.id = static_cast<u32>(layout);
        wish.frame = frame;
        wish.nr_frames = 1;
        wish.frame_list.p = reinterpret_cast<xen_pfn_t*>(list_at);
        small.put(dom0, list_at, place);
        return small.call_with(dom0, __HYPERVISOR_memory_op, XENMEM_acquire_resource, wish);
    }
    Mfn seen() { return dom0.p2m.look_up(Gfn{place})->frame; }
    void choose_fifo() {
        evtchn_init_control_t control{control_gfn, 0, 0, 0, {}};
        ASSERT_EQ(op(guest, EVTCHNOP_init_control, control), 0);
    }
    void give_words() {
        evtchn_expand_array_t words{words_gfn};
        ASSERT_EQ(op(guest, EVTCHNOP_expand_array, words), 0);
    }
};

TEST_F(EventMarksShown, AreInSharedInfoInTheGuestsOwnWidth) {
    EXPECT_EQ(acquire(EventMarks::wide), 0);
    EXPECT_EQ(seen(), guest.shared_info_frame);
    EXPECT_EQ(acquire(EventMarks::narrow), -XEN_EINVAL);
    EXPECT_EQ(acquire(EventMarks::fifo), -XEN_EINVAL);
    EXPECT_EQ(acquire(EventMarks::wide, 1), -XEN_EINVAL);
    guest.wide_shared_info = false;
    EXPECT_EQ(acquire(EventMarks::wide), -XEN_EINVAL);
    EXPECT_EQ(acquire(EventMarks::narrow), 0);
}

TEST_F(EventMarksShown, AreInTheWordsOfAFifoGuest) {
    choose_fifo();
    EXPECT_EQ(acquire(EventMarks::fifo), -XEN_EINVAL) << "it has given no words yet";
    EXPECT_EQ(acquire(EventMarks::wide), -XEN_EINVAL);
    give_words();
    const u32 port = ipi(guest);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(acquire(EventMarks::fifo), 0);
    const auto* words = small.machine().memory.as<u32>(address_of(seen()));
    EXPECT_TRUE(words[port] & 1u << EVTCHN_FIFO_PENDING);
    EXPECT_EQ(acquire(EventMarks::fifo, 1), -XEN_EINVAL);
    EXPECT_EQ(acquire(static_cast<EventMarks>(3)), -XEN_EINVAL);
}

TEST_F(EventMarksShown, AreGoneWithTheirDomain) {
    choose_fifo();
    give_words();
    {
        const DomainRef last = find_domain(small.machine(), id);
        while (destroy(small.cpu(), guest) == Progress::again)
            ;
    }
    EXPECT_EQ(acquire(EventMarks::fifo), -XEN_ESRCH);
}

}  // namespace

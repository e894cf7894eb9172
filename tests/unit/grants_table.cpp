// A domain's grant table: shown while it lives, and let go of once, whoever else has its pages.
#include <boot/hosted/twin.hpp>
#include <grants/grant_table.hpp>
#include <thread>
#include <unit/small_machine.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class GrantTables : public ::testing::Test {
protected:
    DomainRef make_domain() {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 1;
        wish.max_grant_frames = 8;
        wish.grant_opts = XEN_DOMCTL_GRANT_version(1);
        auto made = create_domain(small.machine(), small.cpu(), 0, wish);
        EXPECT_TRUE(made.ok());
        return std::move(*made);
    }
    u32 uses(Mfn frame) { return small.machine().frames.row(frame).uses; }
    u64 free() { return small.machine().frames.free_count(); }

    SmallMachine small{64 * MiB, 2};
    bool opened = grants::plug.open(small.machine(), small.cpu()).ok();
};

TEST_F(GrantTables, AFrameIsHeldForWhoeverPlacesIt) {
    const DomainRef domain = make_domain();
    const Mfn frame = *grant_frame(*domain, 3);
    EXPECT_EQ(grants_of(*domain).frame_count, 4u);
    EXPECT_EQ(uses(frame), 2u);
    EXPECT_EQ(grant_frame(*domain, 8).error().code, XEN_EINVAL);
    EXPECT_EQ(grant_frame(*domain, 1u << 31).error().code, XEN_EINVAL);
    EXPECT_EQ(grant_frame(*domain, ~0ull).error().code, XEN_EINVAL);

    EXPECT_EQ(destroy(small.cpu(), *domain), Progress::done);
    EXPECT_EQ(uses(frame), 2u) << "its table stays for as long as somebody knows the domain";
    EXPECT_EQ(grant_frame(*domain, 4).error().code, XEN_EINVAL) << "but grows no more";
    EXPECT_EQ(grow(*domain, 1).error().code, XEN_EINVAL);
    end_use(small.machine(), frame);
}

TEST_F(GrantTables, OneGrowsItWhileAnotherEndsIt) {
    const u64 before = free();
    for (unsigned round = 0; round < 300; ++round) {
        const DomainRef domain = make_domain();
        std::thread other{[&] {
            play(small.machine().cpus[1]);
            for (u64 index = 0; index < 8; ++index)
                if (const auto frame = grant_frame(*domain, index); frame.ok())
                    end_use(small.machine(), *frame);
        }};
        while (destroy(small.cpu(), *domain) == Progress::again)
            ;
        other.join();
        EXPECT_EQ(grow(*domain, 9).error().code, XEN_EINVAL);
    }
    EXPECT_EQ(free(), before);
}

}  // namespace

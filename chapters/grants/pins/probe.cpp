// The lab's probe: a guest's grant table, and those who come for what it promises, as the check's
// stories have it.
#include <cstdio>
#include <cstring>
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <iostream>
#include <map>
#include <moments.hpp>
#include <native/machine.hpp>
#include <sstream>
#include <string>
#include <xen/domctl.h>

using namespace hv;

namespace {

constexpr u64 guest_frames = 512;

/// A step of a story: a word and numbers, in hexadecimal, with colons between them.
struct Step {
    std::string word;
    std::vector<u64> numbers;

    explicit Step(const std::string& text) {
        std::istringstream parts{text};
        std::getline(parts, word, ':');
        for (std::string part; std::getline(parts, part, ':');)
            numbers.push_back(std::stoull(part, nullptr, 16));
    }
    u64 operator[](size_t at) const { return numbers.at(at); }
};

const char* name_of(GrantStatus status) {
    switch (status) {
    case GNTST_general_error: return "general_error";
    case GNTST_bad_gntref: return "bad_gntref";
    case GNTST_bad_page: return "bad_page";
    case GNTST_no_space: return "no_space";
    default: return "another-status";
    }
}

/// The domain that promises, and its table as its guest sees it.
class Owner {
public:
    Owner(Machine& machine, Domain& domain)
        : machine_{machine}, domain_{domain}, table_{grants_of(domain)} {
        for (u64 gfn = 0; gfn < guest_frames; ++gfn)
            gfn_of_[frame(gfn).value] = gfn;
        alone_ = uses(0);
    }

    void live(const std::string& story) {
        begin();
        std::istringstream steps{story};
        for (std::string step; steps >> step;)
            take(Step{step});
        std::printf("\n");
    }

private:
    Mfn frame(u64 gfn) { return domain_.p2m.look_up(Gfn{gfn})->frame; }
    u32& uses(u64 gfn) { return machine_.frames.row(frame(gfn)).uses; }
    u8* entry(GrantRef ref) {
        const u32 bytes = page_size / table_.entries_per_frame();
        return machine_.memory.at(table_.frames[0]) + ref * bytes;
    }
    u16& flags(GrantRef ref) { return *reinterpret_cast<u16*>(entry(ref)); }
    u16& used(GrantRef ref) {
        return table_.version == 1
                   ? flags(ref)
                   : machine_.memory.as<u16>(address_of(table_.status_frames[0]))[ref];
    }

    /// As if nothing had ever been promised.
    void begin() {
        for (u32 i = 0; i < table_.pin_frames; ++i)
            std::fill_n(table_.pins[i], GrantTable::pins_per_frame, Pin{});
        for (u64 gfn = 0; gfn < guest_frames; ++gfn)
            uses(gfn) = alone_;
        (void)change_version(domain_, 3 - table_.version);
        (void)change_version(domain_, 1);
    }

    void write_row(GrantRef ref, u16 flags, DomainId to, u64 gfn) {
        if (table_.version == 1) {
            const grant_entry_v1_t row{flags, to, static_cast<u32>(gfn)};
            std::memcpy(entry(ref), &row, sizeof row);
            return;
        }
        grant_entry_v2_t row{};
        row.full_page.frame = gfn;
        row.hdr = {flags, to};
        std::memcpy(entry(ref), &row, sizeof row);
    }
    void write_part(const Step& step) {
        grant_entry_v2_t row{};
        row.sub_page.frame = step[3];
        row.sub_page.page_off = static_cast<u16>(step[4]);
        row.sub_page.length = static_cast<u16>(step[5]);
        row.hdr = {static_cast<u16>(step[1]), static_cast<DomainId>(step[2])};
        std::memcpy(entry(static_cast<GrantRef>(step[0])), &row, sizeof row);
    }
    void write_other(const Step& step) {
        grant_entry_v2_t row{};
        row.transitive.trans_domid = static_cast<DomainId>(step[2]);
        row.transitive.gref = static_cast<u32>(step[3]);
        row.hdr = {GTF_transitive, static_cast<DomainId>(step[1])};
        std::memcpy(entry(static_cast<GrantRef>(step[0])), &row, sizeof row);
    }

    /// pin:REF:HOLDER:WRITE:MAP
    void pin_one(const Step& step) {
        PinnedPage page;
        const GrantStatus status = pin(domain_, wish_of(step), page);
        if (status != GNTST_okay) {
            std::printf("%s ", name_of(status));
        } else if (page.transitive) {
            std::printf("d%u/%u ", page.next, page.next_ref);
        } else {
            print_frame(page.frame);
            if (page.partial)
                std::printf("[%u-%u]", page.start, page.end);
            std::printf(" ");
        }
    }
    static PinWish wish_of(const Step& step) {
        return {static_cast<GrantRef>(step[0]), static_cast<DomainId>(step[1]), step[2] != 0,
                step[3] != 0};
    }
    void print_frame(Mfn frame) {
        const auto found = gfn_of_.find(frame.value);
        if (found == gfn_of_.end())
            std::printf("not-the-guest's");
        else
            std::printf("page-%llx", static_cast<unsigned long long>(found->second));
    }

    /// What the guest reads of a row's use, and how often its page is in use.
    void look(GrantRef ref, u64 gfn) {
        const u16 now = used(ref);
        std::printf("%s%s/%d ", now & GTF_reading ? "r" : "-", now & GTF_writing ? "w" : "-",
                    static_cast<int>(uses(gfn) - alone_));
    }

    /// The guest, by the book: takes the promise back if nobody uses the page, which is its own
    /// from then on, and promises another one by the same row.
    void take_back_and_promise(GrantRef ref, DomainId to, u64 gfn) {
        u16 idle = GTF_permit_access;
        if (table_.version == 1) {
            if (!__atomic_compare_exchange_n(&flags(ref), &idle, u16{0}, false, __ATOMIC_SEQ_CST,
                                             __ATOMIC_SEQ_CST))
                return;
        } else {
            __atomic_store_n(&flags(ref), u16{0}, __ATOMIC_SEQ_CST);
            if (used(ref) & (GTF_reading | GTF_writing))
                return;
        }
        write_row(ref, GTF_permit_access, to, gfn);
        taken_back_ = true;
    }

    /// A pin at each of whose moments the guest takes back what it can: race:REF:HOLDER:WRITE:MAP.
    void race(const Step& step) {
        const PinWish wish = wish_of(step);
        constexpr u64 lent = 0x20, another = 0x21;
        unsigned pinned = 0;
        for (unsigned moment = 0; moment < 100'000; ++moment) {
            write_row(wish.ref, GTF_permit_access, wish.holder, lent);
            taken_back_ = false;
            PinnedPage page;
            GrantStatus status = GNTST_general_error;
            const unsigned moments = moments::play(
                [&](unsigned now) {
                    if (now == moment)
                        take_back_and_promise(wish.ref, wish.holder, another);
                },
                [&] { status = pin(domain_, wish, page); });
            const bool leaked = status == GNTST_okay && taken_back_ && page.frame == frame(lent);
            if (status == GNTST_okay) {
                ++pinned;
                unpin(domain_, wish.ref, wish.write);
            }
            if (leaked)
                return (void)std::printf("leaked ");
            if (used(wish.ref) & (GTF_reading | GTF_writing) || uses(lent) != alone_ ||
                uses(another) != alone_)
                return (void)std::printf("left-in-use ");
            if (moment >= moments)
                return (void)std::printf(pinned > 0 ? "safe " : "never ");
        }
    }

    void take(const Step& step) {
        const std::string& word = step.word;
        if (word == "version")
            (void)change_version(domain_, static_cast<u32>(step[0]));
        else if (word == "row")
            write_row(static_cast<GrantRef>(step[0]), static_cast<u16>(step[1]),
                      static_cast<DomainId>(step[2]), step[3]);
        else if (word == "part")
            write_part(step);
        else if (word == "other")
            write_other(step);
        else if (word == "pin")
            pin_one(step);
        else if (word == "unpin")
            unpin(domain_, static_cast<GrantRef>(step[0]), step[1] != 0);
        else if (word == "look")
            look(static_cast<GrantRef>(step[0]), step[1]);
        else if (word == "race")
            race(step);
    }

    Machine& machine_;
    Domain& domain_;
    GrantTable& table_;
    std::map<u64, u64> gfn_of_;
    u32 alone_ = 0;  ///< uses of a page that nobody else has
    bool taken_back_ = false;
};

}  // namespace

/// A line is a story. What came of it is one line, too.
int main() {
    hosted::HostedMachine home{1, 32};
    home.as(0, [&](Cpu& cpu) {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 1;
        wish.max_grant_frames = 1;
        wish.grant_opts = XEN_DOMCTL_GRANT_version(2);
        const DomainRef domain = std::move(*create_domain(home.machine(), cpu, 0, wish));
        domain->frames_limit = guest_frames;
        if (!give_ram(*domain, Gfn{0}, 9).ok())
            std::abort();
        Owner owner{home.machine(), *domain};
        for (std::string story; std::getline(std::cin, story);)
            owner.live(story);
    });
}

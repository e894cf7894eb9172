// The guest walk, in each paging mode: addresses, rights, reserved bits, accessed and dirty bits.
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <x86/bits.hpp>
#include <x86/guest_walk.hpp>

using namespace hv;
using namespace hv::x86;

namespace {

using Outcome = GuestWalk::Outcome;
constexpr u64 usual = PTE_P | PTE_RW | PTE_US;
constexpr GuestAccess reading{}, writing{.write = true}, fetching{.fetch = true};

/// 16 MiB of guest memory that begins at 0, in words of four bytes.
struct Memory {
    u64 get(u64 address, unsigned size) const {
        const auto word = [&](u64 at) { return words.contains(at) ? words.at(at) : 0u; };
        return word(address) | (size == 8 ? u64{word(address + 4)} << 32 : 0);
    }
    void put(u64 address, u64 value, unsigned size) {
        words[address] = static_cast<u32>(value);
        if (size == 8)
            words[address + 4] = static_cast<u32>(value >> 32);
    }

    bool restless = false;  ///< the guest changes every entry just before it is marked
    int exchanges = 0;
    unsigned physical_bits = 48;
    bool gigabyte_pages = true;
    std::map<u64, u32> words{};
};

/// The same, as the walk reads it.
struct View {
    Memory& memory;
    unsigned physical_bits = memory.physical_bits;

    bool gigabyte_pages() const { return memory.gigabyte_pages; }
    template <class Entry>
    bool read(Gpa place, Entry& entry) const {
        EXPECT_EQ(place.value % sizeof entry, 0u);
        if (place.value >= 16 * MiB)
            return false;
        entry = static_cast<Entry>(memory.get(place.value, sizeof entry));
        return true;
    }
    template <class Entry>
    bool compare_exchange(Gpa place, Entry expected, Entry desired) const {
        ++memory.exchanges;
        if (memory.restless || place.value >= 16 * MiB ||
            memory.get(place.value, sizeof expected) != expected)
            return false;
        memory.put(place.value, desired, sizeof desired);
        return true;
    }
};

GuestWalk walk_guest(Memory& memory, const PagingState& state, u64 address, GuestAccess access) {
    return x86::walk_guest(View{memory}, state, address, access);
}

PagingState long_mode(u64 more_cr4 = 0) {
    return {CR0_PE | CR0_PG | CR0_WP, 0x1000, CR4_PAE | more_cr4,
            EFER_LME | EFER_LMA | EFER_NXE, 0, 0};
}
PagingState pae() { return {CR0_PE | CR0_PG | CR0_WP, 0x1020, CR4_PAE, EFER_NXE, 0, 0}; }
PagingState legacy(u64 cr4 = CR4_PSE) {
    return {CR0_PE | CR0_PG | CR0_WP, 0x1000, cr4, 0, 0, 0};
}

/// The four levels that lead to one address in long mode: tables at 0x1000, 0x2000, 0x3000, 0x4000.
struct LongTables : Memory {
    static constexpr u64 address = 0xffff'8123'4567'8abc;
    static constexpr u64 places[4] = {0x4000 + (address >> 12 & 511) * 8,
                                      0x3000 + (address >> 21 & 511) * 8,
                                      0x2000 + (address >> 30 & 511) * 8,
                                      0x1000 + (address >> 39 & 511) * 8};
    LongTables() {
        set(3, 0x2000 | usual);
        set(2, 0x3000 | usual);
        set(1, 0x4000 | usual);
        set(0, 0x77000 | usual);
    }
    void set(unsigned level, u64 value) { put(places[level], value, 8); }
    u64 at(unsigned level) const { return get(places[level], 8); }
    GuestWalk walk(const PagingState& state, GuestAccess access = reading) {
        return walk_guest(*this, state, address, access);
    }
};

void expect_fault(const GuestWalk& walk, u32 code) {
    ASSERT_EQ(walk.outcome, Outcome::page_fault);
    EXPECT_EQ(walk.error_code, code);
}

TEST(GuestWalk, IsTheIdentityWithoutPaging) {
    Memory memory;
    const auto walk = walk_guest(memory, {CR0_PE, 0, 0, 0, 0, 0}, 0x1'2345'6789, writing);
    ASSERT_TRUE(walk.ok());
    EXPECT_EQ(walk.address, Gpa{0x2345'6789});
}

TEST(GuestWalk, ReadsFourLevels) {
    LongTables memory;
    const auto walk = memory.walk(long_mode());
    ASSERT_TRUE(walk.ok());
    EXPECT_EQ(walk.address, Gpa{0x77abc});
}

TEST(GuestWalk, ReadsLargePagesInLongMode) {
    LongTables memory;
    memory.set(1, 0x1234'0020'0000 | usual | PTE_PS | 1 << 12);
    EXPECT_EQ(memory.walk(long_mode()).address, Gpa{0x1234'0020'0000 + 0x78abc});
    memory.set(2, 0x1234'4000'0000 | usual | PTE_PS);
    EXPECT_EQ(memory.walk(long_mode()).address, Gpa{0x1234'4000'0000 + 0x0567'8abc});
    memory.gigabyte_pages = false;
    expect_fault(memory.walk(long_mode()), PFEC_P | PFEC_RSVD);
}

TEST(GuestWalk, RefusesAddressesThatAreNotCanonical) {
    LongTables memory;
    for (u64 address : {0x0000'8000'0000'0000u, 0xffff'7fff'ffff'ffffu, 0x8000'0000'0000'0000u})
        EXPECT_EQ(walk_guest(memory, long_mode(), address, reading).outcome,
                  Outcome::not_canonical);
    for (u64 address : {0x0000'7fff'ffff'ffffu, 0xffff'8000'0000'0000u})
        EXPECT_NE(walk_guest(memory, long_mode(), address, reading).outcome,
                  Outcome::not_canonical);
}

TEST(GuestWalk, ReadsPae) {
    Memory memory;
    const u64 address = 0xc123'4567;
    memory.put(0x1020 + 3 * 8, 0x2000 | PTE_P | PTE_PWT, 8);
    memory.put(0x2000 + (address >> 21 & 511) * 8, 0x3000 | usual, 8);
    memory.put(0x3000 + (address >> 12 & 511) * 8, 0x8'7654'3000 | usual, 8);
    EXPECT_EQ(walk_guest(memory, pae(), address | 1ull << 40, writing).address,
              Gpa{0x8'7654'3567});
    EXPECT_EQ(memory.get(0x1038, 8), 0x2000u | PTE_P | PTE_PWT) << "the top is never marked";

    memory.put(0x2000 + (address >> 21 & 511) * 8, 0x8'7660'0000 | usual | PTE_PS, 8);
    EXPECT_EQ(walk_guest(memory, pae(), address, reading).address, Gpa{0x8'7663'4567});
}

TEST(GuestWalk, FindsReservedBitsInPae) {
    for (u64 bad : {1ull << 1, 1ull << 2, 1ull << 5, 1ull << 8, 1ull << 48, 1ull << 63}) {
        Memory memory;
        memory.put(0x1020, 0x2000 | PTE_P | bad, 8);
        expect_fault(walk_guest(memory, pae(), 0, reading), PFEC_P | PFEC_RSVD);
    }
    for (u64 bad : {1ull << 48, 1ull << 52, 1ull << 62}) {
        Memory memory;
        memory.put(0x1020, 0x2000 | PTE_P, 8);
        memory.put(0x2000, 0x3000 | usual | bad, 8);
        expect_fault(walk_guest(memory, pae(), 0, reading), PFEC_P | PFEC_RSVD);
    }
}

TEST(GuestWalk, ReadsThirtyTwoBitTables) {
    Memory memory;
    const u64 address = 0xc1234567;
    const u64 directory = 0x1000 + (address >> 22) * 4;
    memory.put(directory, 0x2000 | usual, 4);
    memory.put(0x2000 + (address >> 12 & 1023) * 4, 0x8765'4000 | usual, 4);
    EXPECT_EQ(walk_guest(memory, legacy(), address, reading).address, Gpa{0x8765'4567});

    // 4 MiB, its address beyond 4 GiB by PSE-36: bits 39:32 stand in bits 20:13
    memory.put(directory, 0x8740'0000 | 0x5a << 13 | usual | PTE_PS, 4);
    const auto walk = walk_guest(memory, legacy(), address, reading);
    EXPECT_EQ(walk.address, Gpa{0x5a'8763'4567});
    memory.put(directory, 0x8740'0000 | 1 << 21 | usual | PTE_PS, 4);
    expect_fault(walk_guest(memory, legacy(), address, reading), PFEC_P | PFEC_RSVD);
    memory.physical_bits = 36;
    memory.put(directory, 0x8740'0000 | 0x10 << 13 | usual | PTE_PS, 4);
    expect_fault(walk_guest(memory, legacy(), address, reading), PFEC_P | PFEC_RSVD);

    // Without PSE the size bit says nothing
    memory.put(directory, 0x2000 | usual | PTE_PS, 4);
    EXPECT_EQ(walk_guest(memory, legacy(0), address, reading).address, Gpa{0x8765'4567});
}

TEST(GuestWalk, FindsReservedBitsInLongMode) {
    const auto refused = [](unsigned level, u64 value, const PagingState& state) {
        LongTables memory;
        memory.set(level, memory.at(level) | value);
        const auto walk = memory.walk(state, writing);
        return walk.outcome == Outcome::page_fault &&
               walk.error_code == (PFEC_P | PFEC_W | PFEC_RSVD);
    };
    PagingState without_nx = long_mode();
    without_nx.mode &= ~u64{EFER_NXE};
    for (unsigned level = 0; level < 4; ++level) {
        EXPECT_TRUE(refused(level, 1ull << 48, long_mode())) << level;
        EXPECT_TRUE(refused(level, 1ull << 51, long_mode())) << level;
        EXPECT_FALSE(refused(level, 1ull << 52, long_mode())) << "left to software";
        EXPECT_FALSE(refused(level, 1ull << 62, long_mode())) << "left to software";
        EXPECT_FALSE(refused(level, PTE_XD, long_mode())) << level;
        EXPECT_TRUE(refused(level, PTE_XD, without_nx)) << level;
    }
    EXPECT_TRUE(refused(3, PTE_PS, long_mode())) << "no page is 512 GiB";
    EXPECT_TRUE(refused(1, PTE_PS, long_mode())) << "0x4000 is not aligned to 2 MiB";
    EXPECT_TRUE(refused(2, PTE_PS | 1 << 29, long_mode()));
    EXPECT_FALSE(refused(0, PTE_PS, long_mode())) << "the PAT bit of a 4 KiB page";
}

TEST(GuestWalk, TellsAbsenceFromProtection) {
    for (unsigned level = 0; level < 4; ++level) {
        LongTables memory;
        memory.set(level, ~u64{PTE_P});
        PagingState state = long_mode();
        expect_fault(memory.walk(state, writing), PFEC_W);
        state.mode |= 3;  // the privilege level
        expect_fault(memory.walk(state, fetching), PFEC_U | PFEC_I);
        state.mode &= ~u64{EFER_NXE};
        expect_fault(memory.walk(state, fetching), PFEC_U);
        state.mode |= u64{CR4_SMEP} << 32;
        expect_fault(memory.walk(state, fetching), PFEC_U | PFEC_I);
    }
}

/// Every combination of rights, on every level, against the manual's rules written out in full.
TEST(GuestWalk, JudgesRightsByTheManual) {
    for (unsigned n = 0; n < 4 * 8 * 4 * 3 * 16; ++n) {
        unsigned rest = n;
        const auto pick = [&](unsigned count) { return std::exchange(rest, rest / count) % count; };
        const unsigned level = pick(4), bits = pick(8), privilege = pick(4), kind = pick(3);
        const bool user = bits & 1, writable = bits & 2, no_execute = bits & 4;
        const bool protect = pick(2), smep = pick(2), smap = pick(2), alignment_check = pick(2);
        const PagingState state{
            CR0_PG | (protect ? u64{CR0_WP} : 0), 0x1000,
            CR4_PAE | (smep ? u64{CR4_SMEP} : 0) | (smap ? u64{CR4_SMAP} : 0),
            EFER_LMA | EFER_NXE, privilege, alignment_check ? u64{RFLAGS_AC} : 0};

        bool fine = true;
        if (privilege == 3)
            fine = user && !(kind == 1 && !writable) && !(kind == 2 && no_execute);
        else if (kind == 2)
            fine = !no_execute && !(smep && user);
        else
            fine = !(smap && user && !alignment_check) &&
                   !(kind == 1 && protect && !writable);

        LongTables memory;
        const u64 frame = memory.at(level) & ~u64{usual};
        memory.set(level, frame | PTE_P | (user ? u64{PTE_US} : 0) | (writable ? u64{PTE_RW} : 0) |
                              (no_execute ? u64{PTE_XD} : 0));
        const auto walk = memory.walk(state, {.write = kind == 1, .fetch = kind == 2});
        ASSERT_EQ(walk.ok(), fine) << "case " << n;
        if (!fine)
            expect_fault(walk, PFEC_P | PFEC_W * (kind == 1) | PFEC_U * (privilege == 3) |
                                   PFEC_I * (kind == 2));
        EXPECT_EQ((memory.at(3) & PTE_A) != 0, fine) << "marked only if all went well";
    }
}

TEST(GuestWalk, MarksWhatWasUsed) {
    LongTables memory;
    ASSERT_TRUE(memory.walk(long_mode()).ok());
    for (unsigned level = 0; level < 4; ++level)
        EXPECT_EQ(memory.at(level) & (PTE_A | PTE_D), u64{PTE_A}) << level;
    ASSERT_TRUE(memory.walk(long_mode(), writing).ok());
    EXPECT_EQ(memory.at(0) & (PTE_A | PTE_D), u64{PTE_A | PTE_D});
    EXPECT_EQ(memory.at(1) & PTE_D, 0u) << "only the page itself is dirty";
    memory.exchanges = 0;
    ASSERT_TRUE(memory.walk(long_mode(), writing).ok());
    EXPECT_EQ(memory.exchanges, 0) << "what is marked is not marked again";
}

TEST(GuestWalk, MarksATableThatMapsItself) {
    Memory memory;
    memory.put(0x1000 + 511 * 8, 0x1000 | usual, 8);
    const auto walk = walk_guest(memory, long_mode(), ~0xfffull, writing);
    ASSERT_TRUE(walk.ok());
    EXPECT_EQ(walk.address, Gpa{0x1000});
    EXPECT_EQ(memory.get(0x1ff8, 8), 0x1000u | usual | PTE_A | PTE_D);
}

TEST(GuestWalk, GivesUpOnTablesThatAreNotMemory) {
    LongTables memory;
    memory.set(1, 0x7000'0000 | usual);
    EXPECT_EQ(memory.walk(long_mode()).outcome, Outcome::not_memory);
    PagingState state = long_mode();
    state.cr3 = 0xfff'ffff'f000;
    EXPECT_EQ(memory.walk(state).outcome, Outcome::not_memory);
}

TEST(GuestWalk, GivesUpOnTablesThatNeverHoldStill) {
    LongTables memory;
    memory.restless = true;
    EXPECT_EQ(memory.walk(long_mode()).outcome, Outcome::not_memory);
    EXPECT_LE(memory.exchanges, 8);
}

/// Any tables at all, in any mode: the walk ends, and reads aligned entries only.
TEST(GuestWalk, EndsWhateverItReads) {
    std::mt19937_64 random{1};
    for (int life = 0; life < 300; ++life) {
        Memory memory;
        for (u64 at = 0; at < 0x4000; at += 8)
            memory.put(at, (random() & 0x80000000000f3fff) | PTE_P, 8);
        for (int n = 0; n < 60; ++n) {
            const PagingState state{CR0_PG | CR0_PE | (random() & CR0_WP), random() & 0x3fff,
                                    random(), random() & (EFER_LMA | EFER_NXE),
                                    static_cast<unsigned>(random() % 4), 0};
            const u64 address = random() >> random() % 40;
            const auto walk = walk_guest(memory, state, address, {.write = random() % 2 == 0});
            EXPECT_TRUE(!walk.ok() || ((walk.address.value ^ address) & 0xfff) == 0);
        }
    }
}

}  // namespace

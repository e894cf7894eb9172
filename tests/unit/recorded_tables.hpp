// A memory for page tables that remembers every write, so that a test can replay them one by one.
#pragma once

#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <vector>
#include <x86/page_table.hpp>

namespace hv::test {

using Words = std::map<u64, u64>;  ///< machine address to entry; what is missing is zero

inline u64 word_at(const Words& words, u64 address) {
    const auto found = words.find(address);
    return found == words.end() ? 0 : found->second;
}

/// Hands out tables from frame 0x1000 on, never one twice, and keeps what is given back as it was.
class RecordedTables {
public:
    struct Write {
        u64 address, value;
    };

    u64 read(Mpa entry) {
        ++reads;
        EXPECT_TRUE(live.contains(entry.value >> page_shift)) << "read outside of a live table";
        return word_at(words, entry.value);
    }
    void write(Mpa entry, u64 value) {
        EXPECT_TRUE(live.contains(entry.value >> page_shift)) << "write outside of a live table";
        words[entry.value] = value;
        writes.push_back({entry.value, value});
    }
    Result<Mfn> take_table() {
        if (left == 0)
            return Error{XEN_ENOMEM};
        --left;
        live.insert(next);
        return Mfn{next++};
    }
    void give_back_table(Mfn table) {
        EXPECT_EQ(live.erase(table.value), 1u) << "a table was given back twice";
        given_back.insert(table.value);
    }

    Words words;
    std::vector<Write> writes;
    std::set<u64> live, given_back;
    u64 next = 0x1000, reads = 0;
    size_t left = ~size_t{0};  ///< tables that may still be taken
};

/// What hardware would find for one frame: the mapping of that 4 KiB alone, or nothing.
using Translation = std::optional<x86::Mapping>;

/// Walks `words` as a CPU does, knowing nothing of PageTable. A walk that leaves `tables` fails.
inline Translation translate(const Words& words, const std::set<u64>& tables,
                             const x86::EntryFormat& format, Mfn root, Gfn gfn) {
    u64 table = root.value;
    for (unsigned level = 3;; --level) {
        EXPECT_TRUE(tables.contains(table)) << "the walk left the tables at level " << level;
        const u64 index = gfn.value >> (9 * level) & 511;
        const u64 entry = word_at(words, (table << 12) + index * 8);
        if (!format.present(entry))
            return std::nullopt;
        if (level == 0 || format.is_leaf(entry, level)) {
            x86::Mapping page = format.read(entry, level);
            page.frame = page.frame + (gfn.value & ((1ull << 9 * level) - 1));
            page.order = 0;
            return page;
        }
        table = format.frame(entry).value;
    }
}

}  // namespace hv::test

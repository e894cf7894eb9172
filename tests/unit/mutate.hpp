// Damage on purpose: variations of good input, the same at every run.
#pragma once

#include <algorithm>
#include <base/types.hpp>
#include <random>
#include <vector>

namespace hv::test {

using Bytes = std::vector<u8>;

/// Hands `check` `count` damaged variations of `good`, each in a block of exactly its size, so that
/// the address sanitizer sees a read of even one byte too many.
template <class Check>
void mutate(const Bytes& good, unsigned count, Check check) {
    std::mt19937 random{static_cast<u32>(good.size())};
    constexpr u8 favourites[] = {0x00, 0x01, 0x04, 0x7f, 0x80, 0xff, 0xf0, 0x30, 0x46};
    for (unsigned n = 0; n < count; ++n) {
        Bytes bad = good;
        for (unsigned changes = 1 + random() % 4; changes > 0 && !bad.empty(); --changes) {
            const size_t at = random() % bad.size();
            const size_t some = std::min<size_t>(1 + random() % 8, bad.size() - at);
            switch (random() % 6) {
            case 0: bad[at] ^= static_cast<u8>(1 << random() % 8); break;
            case 1: bad[at] = favourites[random() % sizeof favourites]; break;
            case 2: bad[at] = static_cast<u8>(random()); break;
            case 3: std::fill_n(&bad[at], some, random() % 2 ? 0xff : 0); break;
            case 4: bad.resize(at); break;
            case 5: std::copy_n(good.begin(), some, &bad[at]); break;
            }
        }
        bad.shrink_to_fit();
        check(bad);
    }
}

}  // namespace hv::test

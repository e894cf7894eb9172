// What goes over the ring of a device `letters`: short texts, in the slot or in a page of their
// own.
#pragma once

#include <kit/ring.hpp>

namespace letters {

using namespace kit;

inline constexpr size_t longest_text = 48;

enum Kind : u32 {
    in_slot = 0, // the text lies in the request
    in_page = 1, // it lies at the beginning of a page, by whose reference the back may read it
};

struct Letter {
    u32 number;
    u32 kind;
    u32 length;    // bytes of the text
    u32 reference; // in_page: of the grant
    char text[longest_text];
};

struct Reply {
    u32 number; // of the letter
    int status; // 0, or one of Xen's errors, negative
    u32 length;
    u32 unused;
    char text[longest_text]; // the letter's, in capitals
};

using Page = RingPage<Letter, Reply>;

}  // namespace letters

// What a key types. Scan code set 1: a key's number as it goes down, with bit 7 as it comes up.
#include "keys.hpp"

namespace dom0 {
namespace {

enum Key : u8 { left_control = 0x1d, left_shift = 0x2a, right_shift = 0x36, caps_lock = 0x3a };
constexpr u8 released = 0x80, extended_prefix = 0xe0;

// By number; a blank that is not the space bar's types nothing
constexpr std::string_view plain = "  1234567890-=  qwertyuiop[]  asdfghjkl;'` \\zxcvbnm,./ *  ";
constexpr std::string_view shifted = "  !@#$%^&*()_+  QWERTYUIOP{}  ASDFGHJKL:\"~ |ZXCVBNM<>? *  ";
constexpr u8 space_bar = 0x39;

constexpr bool is_letter(char key) { return key >= 'a' && key <= 'z'; }

/// The keys that type more than a letter, or none that can be seen: as a VT100 sends them.
std::string_view special(u8 key) {
    switch (key) {
    case 0x01: return "\x1b";
    case 0x0e: return "\x7f";
    case 0x0f: return "\t";
    case 0x1c: return "\r";
    case space_bar: return " ";
    case 0x48: return "\x1b[A";
    case 0x50: return "\x1b[B";
    case 0x4d: return "\x1b[C";
    case 0x4b: return "\x1b[D";
    case 0x47: return "\x1b[H";
    case 0x4f: return "\x1b[F";
    case 0x53: return "\x1b[3~";
    default: return {};
    }
}

}  // namespace

std::string Keys::take(u8 code) {
    if (code == extended_prefix) {
        extended_ = true;
        return {};
    }
    const bool right = std::exchange(extended_, false);
    const bool down = (code & released) == 0;
    const u8 key = code & ~released;
    switch (key) {
    // With the prefix this is no shift: it comes around keys of the middle block
    case left_shift: shift_[0] = right ? shift_[0] : down; return {};
    case right_shift: shift_[1] = right ? shift_[1] : down; return {};
    case left_control: control_[right] = down; return {};
    case caps_lock: capitals_ ^= down; return {};
    default: return down ? type(key) : std::string{};
    }
}

std::string Keys::type(u8 key) const {
    if (auto sequence = special(key); !sequence.empty()) return std::string{sequence};
    if (key >= plain.size() || plain[key] == ' ') return {};
    const bool shift = (shift_[0] || shift_[1]) != (capitals_ && is_letter(plain[key]));
    char letter = (shift ? shifted : plain)[key];
    // Control takes a letter's upper bits: ] becomes 0x1d
    if (control_[0] || control_[1]) letter &= 0x1f;
    return {letter};
}

}  // namespace dom0

// The link's frames: a zero, a body without zeros (COBS) and its checksum, a zero.
#pragma once

#include <kit/types.hpp>
#include <optional>
#include <string>

namespace dom0 {

using namespace kit;

/// The CRC-32C of `bytes`, going on from `before`: that of what came before them.
u32 crc32c(std::string_view bytes, u32 before = 0);

/// COBS: `bytes` rewritten without zeros, at most one byte in 254 longer; and back. Nothing comes
/// back from what no encoder wrote.
std::string stuff(std::string_view bytes);
std::optional<std::string> unstuff(std::string_view stuffed);

/// The frame that carries `body`, delimiters and checksum included.
std::string frame(std::string_view body);

/// Takes a byte stream apart: frames with a good checksum, and the text between them. It finds its
/// place again after any damage: each zero may end one frame and begin the next, and what does not
/// begin as a frame does is text.
class Splitter {
public:
    /// The longest body that is accepted.
    explicit Splitter(size_t longest) : longest_{longest} {}

    /// Takes one byte. Returns the body that it has completed, without its checksum. What turns out
    /// to be text is appended to `text`.
    std::optional<std::string> take(char byte, std::string& text);

    /// Forgets the frame that is coming in: nothing came for so long that nothing will.
    void abandon();

    bool inside() const { return inside_; }
    /// Frames that came damaged or too long, so far.
    u64 damaged() const { return damaged_; }

private:
    std::optional<std::string> finish();

    size_t longest_;
    bool inside_ = false; // after a zero
    bool overrun_ = false; // the frame is too long: the rest of it is not kept
    std::string part_;
    u64 damaged_ = 0;
};

}  // namespace dom0

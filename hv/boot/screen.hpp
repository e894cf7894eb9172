// The screen: the console's text on a frame buffer, where the loader found one.
#pragma once

#include <base/types.hpp>
#include <string_view>

namespace hv {

/// Pixels in memory, line after line, as multiboot2's "Framebuffer info" tag describes them.
struct FrameBuffer {
    Mpa start{};
    u32 pitch = 0;              ///< bytes from a line to the next
    u32 width = 0, height = 0;  ///< in pixels
    u8 bits = 0;                ///< of a pixel
    u8 kind = 0;                ///< 1: colours in their own bits; else a palette's, or text

    u64 bytes() const { return u64{pitch} * height; }
    bool usable() const;
};

/// Letters in cells of 8 by 16 pixels, white on black, and a cursor. Of a terminal's sequences it
/// obeys return, backspace, tab, and ESC [ K or J (erase to the end of the line); it swallows the
/// others. What it shows it also keeps: video memory is slow to read, and is only written. It takes
/// no lock: the console's is held, or a panic goes on without.
class Screen {
public:
    /// Begins to show: blank at first. `pixels` is where the frame buffer is mapped. Of a very
    /// large one only a part is used.
    void open(const FrameBuffer& buffer, u8* pixels);
    bool is_open() const { return pixels_ != nullptr; }
    void write(std::string_view text);

private:
    static constexpr u32 most_columns = 160, most_rows = 64;

    void take(char letter);
    void feed_line();
    void set(u32 row, u32 column, char letter);
    void erase_from(u32 column);
    void draw(u32 row, u32 column, u8 inverted = 0) const;

    u8* pixels_ = nullptr;
    u32 pitch_ = 0, pixel_bytes_ = 0;
    u32 columns_ = 0, rows_ = 0;
    u32 row_ = 0, column_ = 0;  ///< the cursor; its column may be one beyond the last
    bool escape_ = false;       ///< within an escape sequence
    char cells_[most_rows][most_columns] = {};
};

}  // namespace hv

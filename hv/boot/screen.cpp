// The screen: the console's text on a frame buffer, glyph by glyph.
#include <algorithm>
#include <boot/glyphs.hpp>
#include <boot/screen.hpp>
#include <string.h>
#include <utility>

namespace hv {

constexpr u32 cell_width = 8, cell_height = 16;
constexpr u64 end_of_direct_map = 1ull << 46;

bool FrameBuffer::usable() const {
    constexpr u8 rgb = 1;
    return kind == rgb && bits >= 16 && bits <= 32 && bits % 8 == 0 && width >= cell_width &&
           height >= cell_height && u64{width} * bits / 8 <= pitch &&
           fits(start.value, bytes(), end_of_direct_map);
}

void Screen::open(const FrameBuffer& buffer, u8* pixels) {
    pixels_ = pixels;
    pitch_ = buffer.pitch;
    pixel_bytes_ = buffer.bits / 8;
    columns_ = std::min(buffer.width / cell_width, most_columns);
    rows_ = std::min(buffer.height / cell_height, most_rows);
    memset(pixels, 0, buffer.bytes());
    memset(cells_, ' ', sizeof cells_);
}

void Screen::write(std::string_view text) {
    if (!is_open())
        return;
    draw(row_, std::min(column_, columns_ - 1));
    for (char letter : text)
        take(letter);
    draw(row_, std::min(column_, columns_ - 1), 0xff);
}

void Screen::take(char letter) {
    if (escape_) {
        if (letter == 'J' || letter == 'K')
            erase_from(column_);
        escape_ = letter == '[' || letter < '@';
        return;
    }
    switch (letter) {
    case '\x1b': escape_ = true; break;
    case '\r': column_ = 0; break;
    case '\n': feed_line(); break;
    case '\b': column_ -= column_ > 0; break;
    case '\t': column_ = std::min((column_ / 8 + 1) * 8, columns_); break;
    default:
        if (letter < ' ' || letter > '~')
            break;
        if (column_ == columns_)
            feed_line();
        set(row_, column_++, letter);
    }
}

/// The cursor goes to the next line; beneath the last one, everything goes up.
void Screen::feed_line() {
    column_ = 0;
    if (row_ + 1 < rows_) {
        ++row_;
        return;
    }
    for (u32 row = 0; row < row_; ++row)
        for (u32 column = 0; column < columns_; ++column)
            set(row, column, cells_[row + 1][column]);
    erase_from(0);
}

void Screen::erase_from(u32 column) {
    for (; column < columns_; ++column)
        set(row_, column, ' ');
}

/// Only a cell that changes is drawn anew.
void Screen::set(u32 row, u32 column, char letter) {
    if (std::exchange(cells_[row][column], letter) != letter)
        draw(row, column);
}

void Screen::draw(u32 row, u32 column, u8 inverted) const {
    const u8* const glyph = glyphs[cells_[row][column] - ' '];
    u8* line = pixels_ + u64{row} * cell_height * pitch_ + column * cell_width * pixel_bytes_;
    for (u32 y = 0; y < cell_height; ++y, line += pitch_) {
        // White is all ones, whatever the order of the colours
        u8 pixels[cell_width * 4], *end = pixels;
        for (u32 bits = glyph[y] ^ inverted, x = 0; x < cell_width; ++x, bits <<= 1)
            end = std::fill_n(end, pixel_bytes_, bits & 0x80 ? 0xff : 0);
        memcpy(line, pixels, cell_width * pixel_bytes_);
    }
}

}  // namespace hv

// COM1: the serial line that the console speaks and listens on.
#include <boot/console.hpp>
#include <x86/privileged.hpp>

namespace hv {
namespace {

// COM1, a 16550: its registers by their names in the datasheet
constexpr u16 com1 = 0x3f8;
enum Register : u16 { RBR_THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
constexpr u8 LSR_DR = 0x01, LSR_THRE = 0x20, LCR_8N1 = 0x03, LCR_DLAB = 0x80;
constexpr u8 FCR_ENABLE_AND_CLEAR = 0xc7, MCR_DTR_RTS_OUT2 = 0x0b, IER_RECEIVED = 0x01;

/// Ticks of the TSC, most of a second: a line that takes nothing for so long is stuck.
constexpr u64 patience = 2'000'000'000;

}  // namespace

/// A letter takes 87 us to leave. What comes in meanwhile is taken in: the line keeps 16 bytes. A
/// stuck line, which nobody reads, must not stop the machine: until it takes or brings something,
/// it gets nothing and is not waited for.
void Console::send(char letter) {
    const u64 end = stuck_ ? 0 : x86::read_tsc() + patience;
    while ((stuck_ = !(x86::in8(com1 + LSR) & LSR_THRE)) && x86::read_tsc() < end)
        take_input();
    if (!stuck_)
        x86::out8(com1 + RBR_THR, static_cast<u8>(letter));
}

void Console::open() {
    // 115200 baud is a divisor of 1
    x86::out8(com1 + LCR, LCR_DLAB);
    x86::out8(com1 + RBR_THR, 1);
    x86::out8(com1 + IER, 0);
    x86::out8(com1 + LCR, LCR_8N1);
    x86::out8(com1 + FCR, FCR_ENABLE_AND_CLEAR);
    x86::out8(com1 + MCR, MCR_DTR_RTS_OUT2);
}

void Console::emit(std::string_view text) {
    screen_.write(text);
    for (char letter : text) {
        if (letter == '\n')
            send('\r');
        send(letter);
    }
}

void Console::listen() { x86::out8(com1 + IER, IER_RECEIVED); }

void Console::take_input() {
    while (x86::in8(com1 + LSR) & LSR_DR) {
        const u8 byte = x86::in8(com1 + RBR_THR);
        if (byte == 0xff && x86::in8(com1 + LSR) == 0xff)
            return;  // no device answers
        stuck_ = false;  // who types will read
        if (received_ - taken_ < input_size)
            input_[received_++ % input_size] = static_cast<char>(byte);
    }
}

}  // namespace hv

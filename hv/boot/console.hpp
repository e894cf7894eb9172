// The console: what is said on the serial line and on the screen, and the last 16 KiB of it.
#pragma once

#include <base/print.hpp>
#include <base/spinlock.hpp>
#include <boot/screen.hpp>

namespace hv {

/// Where the hypervisor speaks. Everything goes to COM1, to the screen, and into a ring that
/// `dmesg` reads. Text from several pCPUs does not mix within one write, and a line that a guest
/// has half said (a prompt, and what is typed there) steps aside for the hypervisor's.
class Console final : public Sink {
public:
    static constexpr size_t ring_size = 16 * KiB;

    /// Sets the line to 115200 baud, 8N1. Once, by the boot pCPU, before the first word.
    void open();
    /// Speaks on a screen as well, where all that was said before is said again; once. `pixels` is
    /// where the frame buffer is mapped. By the boot pCPU alone.
    void show(const FrameBuffer& buffer, u8* pixels);
    void write(std::string_view text) override;
    /// What dom0 prints through CONSOLEIO_write: to the line, not into the dmesg ring.
    void write_guest(std::string_view text);
    /// Bytes that came in on COM1, at most `room`; 0 when there are none.
    size_t read(char* into, size_t room);
    /// The ring from the byte numbered `from` on (bytes ever written); returns how many were
    /// copied.
    size_t copy_ring(u64 from, char* into, size_t room) const;
    u64 written() const { return written_; }
    /// Lets the line interrupt when a byte comes in.
    void listen();
    /// Called with that interrupt (or at any time): takes the bytes in.
    void note_input() {
        Guard guard{lock_};
        take_input();
    }
    /// Lets a panic speak when another pCPU holds the lock.
    void break_lock() { broken_ = true; }

private:
    void emit(std::string_view text);
    void remember(std::string_view text);
    void send(char letter);
    void take_input();
    Spinlock lock_{LockRank::console};
    bool broken_ = false, stuck_ = false;  ///< a panic speaks; COM1 did not take the last letter
    Screen screen_{};
    u64 written_ = 0;
    char ring_[ring_size] = {};
    TextBuffer<256> half_line_{};      ///< what dom0 has printed since its last newline
    bool in_sentence_ = false;         ///< the hypervisor's own line has no newline yet

    static constexpr size_t input_size = 256;
    char input_[input_size] = {};  ///< came in, not yet read
    u64 received_ = 0, taken_ = 0;
};

}  // namespace hv

// The console: what is said on the serial line and on the screen, and the last 16 KiB of it.
#include <algorithm>
#include <boot/machine.hpp>
#include <x86/privileged.hpp>

namespace hv {

void Console::show(const FrameBuffer& buffer, u8* pixels) {
    if (screen_.is_open())
        return;
    screen_.open(buffer, pixels);
    screen_.write({ring_, std::min<size_t>(written_, ring_size)});
}

void Console::write(std::string_view text) {
    if (broken_) {
        remember(text);
        return emit(text);
    }
    x86::InterruptsOff quiet;
    Guard guard{lock_};
    remember(text);
    if (!half_line_.view().empty() && !in_sentence_)
        emit("\r\x1b[K");
    emit(text);
    in_sentence_ = !text.ends_with('\n');
    if (!in_sentence_)
        emit(half_line_.view());
}

void Console::write_guest(std::string_view text) {
    if (broken_)
        return;
    x86::InterruptsOff quiet;
    Guard guard{lock_};
    emit(text);
    if (const size_t end = text.rfind('\n'); end != text.npos) {
        half_line_.clear();
        text.remove_prefix(end + 1);
    }
    half_line_.write(text);
}

void Console::remember(std::string_view text) {
    for (char letter : text)
        ring_[written_++ % ring_size] = letter;
}

size_t Console::copy_ring(u64 from, char* into, size_t room) const {
    // What was overwritten since is gone: begin at the oldest byte that is left
    if (written_ > ring_size && from < written_ - ring_size)
        from = written_ - ring_size;
    size_t copied = 0;
    while (copied < room && from < written_)
        into[copied++] = ring_[from++ % ring_size];
    return copied;
}

size_t Console::read(char* into, size_t room) {
    x86::InterruptsOff quiet;
    Guard guard{lock_};
    take_input();
    size_t count = 0;
    while (count < room && taken_ < received_)
        into[count++] = input_[taken_++ % input_size];
    return count;
}

void open_trace(Cpu& cpu, void* place, u64 bytes) {
    TraceRing* const before = cpu.trace;
    cpu.trace = TraceRing::lay(place, bytes);
    for (u64 i = 0; before != nullptr && i < before->written; ++i)
        cpu.trace->put(before->at(i));
    set_traced(cpu);
}

void set_traced(Cpu& cpu) {
    const Machine& machine = *cpu.machine;
    const bool here = machine.tracing && machine.traced_cpus >> cpu.number & 1;
    cpu.traced = here ? machine.traced : 0;
}

void note(Cpu& cpu, const TraceEvent& event, DomainId id, u16 vcpu, u64 a, u64 b, u64 c, u64 d) {
    cpu.trace->put({cpu.machine->clock.now(), static_cast<u8>(event.chapter), event.number, id,
                    vcpu, cpu.number, {a, b, c, d}});
}

void tell(Cpu& cpu, const TraceEvent& event, DomainId domain, u64 a, u64 b, u64 c, u64 d) {
    trace(cpu, event, domain, 0, a, b, c, d);
    // One write for the whole sentence, so that pCPUs do not speak into each other's
    TextBuffer<320> text;
    const std::array<u64, TraceEvent::max_fields> values{a, b, c, d};
    tell_sentence(text, event, values);
    cpu.machine->console.write(text.view());
}

}  // namespace hv

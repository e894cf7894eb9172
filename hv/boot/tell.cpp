// Telling: an event noted in the ring, and said aloud.
#include <boot/machine.hpp>

namespace hv {

void tell(Cpu& cpu, const TraceEvent& event, DomainId domain, u64 a, u64 b, u64 c, u64 d) {
    trace(cpu, event, domain, 0, a, b, c, d);
    // One write for the whole sentence, so that pCPUs do not speak into each other's
    TextBuffer<320> text;
    const std::array<u64, TraceEvent::max_fields> values{a, b, c, d};
    tell_sentence(text, event, values);
    cpu.machine->console.write(text.view());
}

}  // namespace hv

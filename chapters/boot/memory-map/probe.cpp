// The lab's probe: reads memory maps, and prints each as the reader's code orders it.
#include <boot/handover.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>
#include <xen/xen.h>

using namespace hv;

namespace {

/// One line: START-END/KIND for each stretch, in hexadecimal, and the error, if there is one.
void print_ordered(const std::vector<MemoryRange>& raw) {
    MachineFacts facts;
    const Result<> ordered = boot::order_memory_map(raw, facts);
    for (const MemoryRange& range : facts.ranges())
        std::printf("%llx-%llx/%d ", static_cast<unsigned long long>(range.start.value),
                    static_cast<unsigned long long>(range.end().value),
                    static_cast<int>(range.kind));
    if (!ordered.ok())
        std::printf(ordered.error().code == XEN_ENOSPC ? "ENOSPC" : "another error");
    std::printf("\n");
}

}  // namespace

/// A map is lines of START BYTES KIND, in hexadecimal; the word `order` ends it.
int main() {
    std::vector<MemoryRange> raw;
    for (std::string word; std::cin >> word;) {
        if (word == "order") {
            print_ordered(raw);
            raw.clear();
            continue;
        }
        std::string bytes;
        int kind = 0;
        std::cin >> bytes >> kind;
        raw.push_back({Mpa{std::stoull(word, nullptr, 16)}, std::stoull(bytes, nullptr, 16),
                       static_cast<MemoryRange::Kind>(kind)});
    }
}

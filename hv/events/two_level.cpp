// The two-level ABI: one pending bit and one mask bit a port, and a selector word for each vCPU.
#include <domains/shared_info.hpp>
#include <events/ports.hpp>

namespace hv {
namespace {

// Bits are reached by 32 at a time, which is right for words of 32 and of 64 bits alike
u32* at(u8* bits, u32 n) { return reinterpret_cast<u32*>(bits) + n / 32; }
bool test(u8* bits, u32 n) { return __atomic_load_n(at(bits, n), __ATOMIC_SEQ_CST) >> n % 32 & 1; }
bool set(u8* bits, u32 n) {
    const u32 bit = 1u << n % 32;
    return __atomic_fetch_or(at(bits, n), bit, __ATOMIC_SEQ_CST) & bit;
}
bool clear(u8* bits, u32 n) {
    const u32 bit = 1u << n % 32;
    return __atomic_fetch_and(at(bits, n), ~bit, __ATOMIC_SEQ_CST) & bit;
}

/// Tells the vCPU in which word to look, and raises its upcall.
void select(Domain& domain, u32 port, const EventPort& row, unsigned bits_per_word) {
    Vcpu* const vcpu = domain.find_vcpu(row.vcpu);
    if (vcpu != nullptr && !set(pending_selector(*vcpu), port / bits_per_word))
        raise_upcall(*vcpu);
}

void set_pending(Domain& domain, u32 port, EventPort& row) {
    const EventWords words = event_words(domain);
    if (set(words.pending, port))
        return;
    if (!test(words.mask, port))
        select(domain, port, row, words.bits_per_word);
    wake_pollers(domain, port);
}

bool is_pending(Domain& domain, u32 port) { return test(event_words(domain).pending, port); }
void clear_pending(Domain& domain, u32 port) { clear(event_words(domain).pending, port); }

void unmask(Domain& domain, u32 port, EventPort& row) {
    const EventWords words = event_words(domain);
    if (clear(words.mask, port) && test(words.pending, port))
        select(domain, port, row, words.bits_per_word);
}

/// A bit for each port: 4,096, or 1,024 for a 32-bit guest.
u32 port_limit(const Domain& domain) { return domain.wide_shared_info ? 4096 : 1024; }

}  // namespace

constexpr EventAbi two_level_abi{set_pending, is_pending, clear_pending, unmask, port_limit};

}  // namespace hv

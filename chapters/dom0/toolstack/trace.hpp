// The hypervisor's trace as dom0 reads it: the rings that it maps, and what goes into them.
#pragma once

#include <base/trace.hpp>
#include <kit/types.hpp>
#include <optional>
#include <vector>

namespace dom0 {

using namespace kit;

/// What was read of one ring: `next` is where to go on, `lost` records were overwritten before.
struct TraceReading {
    std::vector<TraceRecord> records;
    u64 next = 0, lost = 0;
};

/// What `ring` holds from record `from` on, at most `most` of them. The ring's pCPU goes on writing
/// meanwhile: what it has overtaken counts as lost. A `from` that is yet to come is met as the end.
TraceReading read_ring(const TraceRing& ring, u64 from, size_t most);

/// The rings of all pCPUs, mapped here for good.
class TraceRings {
public:
    /// Maps them when first asked. XEN_ENOSYS, XEN_ENOMEM.
    Result<> open();

    u32 cpus() const { return cpus_; }
    /// How many records a ring holds.
    u32 capacity() const { return cpus_ == 0 ? 0 : ring(0).capacity; }
    /// `cpu` is below cpus().
    const TraceRing& ring(u32 cpu) const {
        return *reinterpret_cast<const TraceRing*>(start_ + cpu * ring_bytes_);
    }

private:
    const u8* start_ = nullptr;
    u64 ring_bytes_ = 0;
    u32 cpus_ = 0;
};

/// The bits of TraceBit that a word stands for: a chapter, with all that it can tell, or one kind
/// of what comes by the thousand: hypercalls, exits, turns, bells, promises. Nothing for any
/// other word.
std::optional<u32> trace_bits(std::string_view word);
/// Has the hypervisor note those from now on, on every pCPU.
Result<> set_trace_mask(u32 bits);

/// Writes the sentence of the record to `sink`, and when and where it was: for a person.
void tell_record(Sink& sink, const TraceRecord& record);

}  // namespace dom0

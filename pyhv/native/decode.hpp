// Records of the trace, from any tier, made readable by the hypervisor's own tables of events.
#pragma once

#include "calls.hpp"
#include <base/trace.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace hv::hosted {

/// One event that happened.
struct EventView {
    u64 time;            ///< ns since boot
    u16 cpu;
    DomainId domain;
    u16 vcpu;
    std::string chapter, name;
    std::vector<std::pair<std::string, u64>> fields;
    /// What those of the fields that stand for something are called: call 32, event_channel_op.
    std::vector<std::pair<std::string, std::string>> words;
    bool frequent;       ///< it comes by the thousand, and is off until somebody asks
    std::string sentence, section;
};

/// Bytes that are no whole number of records.
class NoRecord : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What the records say, in their order. A record of no event that is known here has the name
/// "unknown", and its four values for fields. NoRecord.
std::vector<EventView> decode(std::string_view records);

/// What may be asked for: each chapter, with all that it can tell, and each frequent kind.
std::span<const Constant> trace_bits();

/// The bit by which each event is noted.
std::span<const Constant> event_bits();

}  // namespace hv::hosted

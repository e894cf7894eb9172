// Text that is read with a cursor: the newest bytes, and the count of all that ever were.
#pragma once

#include <kit/types.hpp>
#include <string>

namespace dom0 {

using namespace kit;

/// What a cursor finds: `text` begins `lost` bytes after it, and the next look begins at `next`.
struct Passage {
    std::string_view text;
    u64 next, lost;
};

/// `kept` are the newest of `written` bytes. A cursor beyond them is from another life: it reads
/// from the oldest on. At most `room` bytes are answered.
inline Passage passage(std::string_view kept, u64 written, u64 from, size_t room) {
    const u64 oldest = written - kept.size();
    const u64 start = from > written ? oldest : from < oldest ? oldest : from;
    const auto text = kept.substr(start - oldest, room);
    return {text, start + text.size(), from > written ? 0 : start - from};
}

}  // namespace dom0

// A guest's console as dom0 keeps it: its last words, and what has been typed but not yet read.
#pragma once

#include <kit/console_ring.hpp>
#include <kit/types.hpp>
#include <string>

namespace dom0 {

using namespace kit;

class Console {
public:
    /// Moves bytes both ways between the guest's ring and here; what the guest said is appended to
    /// `said` too, without its zeros: the link's frames stand between those. Returns true when
    /// anything moved: the guest is then owed a doorbell.
    bool pump(xencons_interface& ring, std::string& said);

    /// Queues one byte for the guest to read. What it never reads is dropped beyond 1 KiB: false.
    bool type(char letter);

    /// The last 16 KiB that the guest said, also when it is long dead.
    std::string_view last_words() const { return words_; }

    /// How many bytes the guest has said in its life.
    u64 said() const { return said_; }

private:
    static constexpr size_t kept = 16 * KiB, most_typed = 1 * KiB;
    std::string words_, typed_;
    u64 said_ = 0;
};

}  // namespace dom0

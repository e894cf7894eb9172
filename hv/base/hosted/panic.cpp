// The hosted twins of what the ground floor asks of the machine: a panic, and a ledger of locks.
#include <base/hosted/panic.hpp>
#include <base/panic.hpp>
#include <base/spinlock.hpp>
#include <string>

namespace hv {
void panic_with(std::string_view format, std::span<const Argument> arguments) {
    TextBuffer<512> sentence;
    print_to(sentence, format, arguments);
    throw Panic{std::string{sentence.view()}};
}

LockLedger& this_ledger() {
    static thread_local LockLedger ledger;
    return ledger;
}

}  // namespace hv

// The hosted twins of what the ground floor asks of the machine: a panic, and a ledger of locks.
#include <base/hosted/panic.hpp>
#include <base/panic.hpp>
#include <base/spinlock.hpp>
#include <string>

namespace hv {
namespace {

class StringSink final : public Sink {
public:
    void write(std::string_view more) override { text += more; }
    std::string text;
};

}  // namespace

void panic_with(std::string_view format, std::span<const Argument> arguments) {
    StringSink sink;
    print_to(sink, format, arguments);
    throw Panic{sink.text};
}

LockLedger& this_ledger() {
    static thread_local LockLedger ledger;
    return ledger;
}

}  // namespace hv

// Tells answers on port 0xe9, which both hypervisors print a line at a time.
#include "ask.hpp"

#include <base/print.hpp>
#include <kit/cpu.hpp>

namespace oracle {
namespace {

class DebugPort final : public Sink {
public:
    void write(std::string_view text) override {
        for (char letter : text)
            out8(XEN_HVM_DEBUGCONS_IOPORT, u8(letter));
    }
};

constinit DebugPort port;

struct Name {
    long code;
    std::string_view name;
};

constexpr Name names[] = {
#define XEN_ERRNO(name, code) {code, #name},
#include <xen/errno.h>
};

std::string_view name_of(long code) {
    for (const Name& known : names)
        if (known.code == code) return known.name;
    return {};
}

}  // namespace

void tell(std::string_view question, std::string_view variant, Told answer) {
    hv::print(port, "{}{}{} = ", question, variant.empty() ? "" : ": ", variant);
    const long result = static_cast<long>(answer.number);
    if (answer.as == Told::As::text)
        hv::print(port, "{}\n", answer.text);
    else if (answer.as == Told::As::hexadecimal)
        hv::print(port, "{:x}\n", answer.number);
    else if (const auto name = name_of(-result); answer.as == Told::As::result && !name.empty())
        hv::print(port, "-{}\n", name);
    else
        hv::print(port, "{}\n", result);
}

void remark(std::string_view words) { hv::print(port, "oracle: {}\n", words); }

}  // namespace oracle

// The way to power off: two numbers in the DSDT's byte code, under the name _S5_.
#include <algorithm>
#include <boot/acpi.hpp>

namespace hv::boot {
namespace {

// AML, from "ACPI Machine Language (AML) Specification"
constexpr u8 aml_zero = 0x00, aml_one = 0x01, aml_name = 0x08, aml_byte = 0x0a, aml_word = 0x0b,
             aml_dword = 0x0c, aml_package = 0x12;

/// Reads a package's element at `at` as a number, and moves past it. XEN_EINVAL: no number.
Result<u8> read_number(std::span<const u8> aml, size_t& at) {
    if (at >= aml.size())
        return Error{XEN_EINVAL};
    const u8 prefix = aml[at++];
    if (prefix == aml_zero || prefix == aml_one)
        return prefix;
    const size_t width = prefix == aml_byte    ? 1
                         : prefix == aml_word  ? 2
                         : prefix == aml_dword ? 4
                                               : 0;
    if (width == 0 || width > aml.size() - at)
        return Error{XEN_EINVAL};
    const u8 lowest = aml[at];
    at += width;
    return lowest;
}

/// Reads what follows the name: PackageOp, a length of 1 to 4 bytes, a count, and the numbers.
Result<SleepTypes> read_package(std::span<const u8> aml, size_t at) {
    if (at + 2 > aml.size() || aml[at] != aml_package)
        return Error{XEN_EINVAL};
    at += 2 + (aml[at + 1] >> 6);
    if (at >= aml.size() || aml[at] < 1)
        return Error{XEN_EINVAL};
    const u8 elements = aml[at++];
    const auto a = read_number(aml, at);
    TRY(a);
    const auto b = elements > 1 ? read_number(aml, at) : Result<u8>{u8{0}};
    TRY(b);
    if (*a > 7 || *b > 7)
        return Error{XEN_EINVAL};
    return SleepTypes{*a, *b};
}

}  // namespace

Result<SleepTypes> find_soft_off(std::span<const u8> aml) {
    static constexpr std::array<u8, 4> name{'_', 'S', '5', '_'};
    for (auto found = aml.begin();; ++found) {
        found = std::search(found, aml.end(), name.begin(), name.end());
        if (found == aml.end())
            return Error{XEN_ENOENT};

        // NameOp stands before the name, with or without a backslash between
        const auto at = static_cast<size_t>(found - aml.begin());
        const bool named = (at >= 1 && aml[at - 1] == aml_name) ||
                           (at >= 2 && aml[at - 2] == aml_name && aml[at - 1] == '\\');
        if (!named)
            continue;
        if (const auto types = read_package(aml, at + name.size()))
            return types;
    }
}

}  // namespace hv::boot

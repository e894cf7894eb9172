// Xen's hypercalls by name: their numbers, and how the structures that they take are laid out.
#pragma once

#include <base/types.hpp>
#include <span>
#include <string_view>

namespace hv::hosted {

/// One field of a structure, where Xen's public header has it.
struct Field {
    std::string_view name;
    size_t offset, size;
};

/// A structure of the public headers, as 64-bit code lays it out.
struct Layout {
    std::string_view name;   ///< "evtchn_send"
    size_t size;
    std::span<const Field> fields;
};

/// What may be asked by it; the names are those of the headers without their common first word.
struct Operation {
    std::string_view call, name;
    u64 number;
    const Layout* layout = nullptr;      ///< nullptr: it takes no structure
    u64 version = 0;                     ///< not 0: its number goes into the structure's `cmd`, and
                                         ///< this into its `interface_version`
};

/// A number that has a name in the headers and is wanted in structures.
struct Constant {
    std::string_view name;
    u64 value;
};

std::span<const Operation> operations();
std::span<const Constant> constants();
/// XEN_E* without XEN_.
std::span<const Constant> error_names();

}  // namespace hv::hosted

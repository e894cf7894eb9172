// Names for addresses: the table that the second link puts at the image's end.
#pragma once

#include <base/types.hpp>
#include <string_view>

namespace hv::boot {

/// A function, and how far into it an address is.
struct Place {
    std::string_view name = "?";
    u64 offset = 0;
};

/// The function that holds `address`; "?" when there is none, or no table.
Place find_place(u64 address);

}  // namespace hv::boot

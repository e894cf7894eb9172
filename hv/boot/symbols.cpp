// Names for addresses: the table that the second link puts at the image's end.
#include <boot/symbols.hpp>
#include <string.h>

extern "C" const char image_start[], symbols_start[], symbols_end[];

namespace hv::boot {
namespace {

/// The table begins with its count; then that many of these, ascending; then the names.
struct Row {
    u32 offset;  ///< of the function, from the image's start
    u32 name;    ///< of its NUL-terminated name, from the table's start
};

}  // namespace

Place find_place(u64 address) {
    const u64 bytes = static_cast<u64>(symbols_end - symbols_start);
    const u64 start = reinterpret_cast<u64>(image_start);
    u32 count = 0;
    if (bytes < sizeof count || address < start)
        return {};
    memcpy(&count, symbols_start, sizeof count);
    if (sizeof count + count * sizeof(Row) > bytes)
        return {};

    // The last function that begins at or below the address
    const auto* rows = reinterpret_cast<const Row*>(symbols_start + sizeof count);
    u32 low = 0, high = count;
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (start + rows[middle].offset <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return {};
    return {symbols_start + rows[low - 1].name, address - start - rows[low - 1].offset};
}

}  // namespace hv::boot

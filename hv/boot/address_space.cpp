// The hypervisor's own page tables: made once at boot, and never changed afterwards.
#include <boot/address_space.hpp>
#include <memory>
#include <string.h>
#include <x86/page_format.hpp>

namespace hv::boot {

/// One page of the frame table: the rows that it holds, and the memory that they stand for.
constexpr u64 rows_in_page = page_size / sizeof(FrameRow);
constexpr u64 bytes_of_rows = rows_in_page * page_size;

Result<Mpa> EarlyFrames::take(u64 count) {
    if (count > (next_ - start_) >> page_shift)
        return Error{XEN_ENOMEM};
    next_ = next_ - count * page_size;
    memset(memory_.at(next_), 0, count * page_size);
    return next_;
}

Result<Mfn> HostTables::take_table() {
    const auto table = frames_.take();
    TRY(table);
    ++table_count_;
    return frame_of(*table);
}

Result<> HostTables::begin() {
    const auto root = take_table();
    TRY(root);
    root_ = *root;
    return {};
}

Result<> HostTables::map(u64 address, Mpa physical, u64 bytes, x86::Access access,
                         x86::MemoryType type) {
    x86::PageTable table{x86::host_format, *this, root_};
    // Tables translate 48 bits of an address; those above repeat the topmost of them
    u64 page = (address >> page_shift) % x86::gfn_limit.value;
    u64 frame = physical.value >> page_shift;
    for (u64 left = bytes >> page_shift; left > 0;) {
        u8 order = largest_order_;
        while (order > 0 && ((page | frame) % (1ull << order) != 0 || left < 1ull << order))
            order -= x86::bits_per_level;
        TRY(table.map(Gfn{page}, {Mfn{frame}, order, access, type}));
        page += 1ull << order;
        frame += 1ull << order;
        left -= 1ull << order;
    }
    return {};
}

/// A page of rows, each absent.
Result<Mpa> HostTables::take_rows() {
    const auto page = frames_.take();
    if (page.ok())
        std::uninitialized_fill_n(memory_.as<FrameRow>(*page), rows_in_page, FrameRow{});
    return page;
}

Result<u64> HostTables::map_frame_table(u64 address, std::span<const MemoryRange> map) {
    // Where a page's rows would all be absent, it is this one, which is for all of them
    const auto absent = take_rows();
    TRY(absent);
    u64 count = 1;
    const Mpa top = top_of_ram(map);
    for (Mpa start{}; start < top; start = start + bytes_of_rows, address += page_size) {
        const bool ram = overlaps_ram(map, start, bytes_of_rows);
        const auto rows = ram ? take_rows() : absent;
        TRY(rows);
        TRY(this->map(address, *rows, page_size, ram ? x86::read_write : x86::read_only));
        count += ram;
    }
    return count;
}

}  // namespace hv::boot

// The window of odd pages, and what copies from and to it make of them.
#include "places.hpp"

#include <kit/cpu.hpp>
#include <kit/heap.hpp>

namespace oracle {
namespace {

constexpr u64 window_start = 0xb0000000;  // neither RAM nor device: the kit maps it in one piece
constexpr u64 hole = 0xb8000000;
constexpr u64 present = 1, writable = 2;
constexpr u64 frame_bits = 0x000ffffffffff000;

/// The word at the end of which an argument begins: so near to a page's end that it must cross.
constexpr u64 near_end = page_size - 4;

constinit Place all[] = {
    {"an ordinary place", 0, true},
    {"unaligned", 0, true},
    {"crossing a page", window_start + near_end, true},
    {"crossing into nothing", window_start + page_size + near_end, false},
    {"absent", window_start + 2 * page_size, false},
    {"read-only", window_start + 3 * page_size, false},
    {"without RAM", window_start + 4 * page_size, false},
    {"not canonical", 1ull << 63, false},
    {"at the top", ~0ull - 7, false},
};

u64* table_at(u64 entry) { return reinterpret_cast<u64*>(entry & frame_bits); }

}  // namespace

u64 window() { return window_start; }
u64 absent_page() { return window_start + 2 * page_size; }
u64 read_only_page() { return window_start + 3 * page_size; }
u64 page_without_ram() { return window_start + 4 * page_size; }

void places_init() {
    // Where a null pointer leads there is RAM: let it hold zeros
    u64 nowhere = 0;
    asm volatile("" : "+r"(nowhere));
    memset(reinterpret_cast<void*>(nowhere), 0, page_size);

    u64 cr3;
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    u64* level3 = table_at(table_at(cr3)[0]);
    u64* level2 = table_at(level3[window_start >> 30]);
    auto* table = static_cast<u64*>(take_pages(1));
    auto* frames = static_cast<u8*>(take_pages(4));
    table[0] = address(frames + 2 * page_size) | present | writable;
    table[1] = address(frames) | present | writable;
    table[3] = address(frames + 3 * page_size) | present;
    table[4] = hole | present | writable;
    level2[window_start >> 21 & 511] = address(table) | present | writable;
    asm volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");

    auto* ordinary = static_cast<u8*>(take_pages(1));
    all[0].address = address(ordinary);
    all[1].address = address(ordinary + 257);
}

std::span<const Place> places() { return all; }

/// A copy from and to each place: what every hypercall's argument goes through.
void ask_places() {
    const xen_feature_info_t wish = {1, 0};
    tell_at_places("places.in and out", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_xen_version, XENVER_get_features, at);
    });
    tell_at_places("places.out", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_xen_version, XENVER_guest_handle, at);
    });
    tell_at_places("places.long out", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_xen_version, XENVER_changeset, at);
    });
    // With CR0.WP set a supervisor's write respects a read-only page
    constexpr u64 write_protect = 1 << 16;
    u64 cr0;
    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %0, %%cr0" : : "r"(cr0 | write_protect));
    tell("places.out: read-only under CR0.WP",
         hypercall(__HYPERVISOR_xen_version, XENVER_guest_handle, read_only_page()));
    asm volatile("mov %0, %%cr0" : : "r"(cr0));
}

}  // namespace oracle

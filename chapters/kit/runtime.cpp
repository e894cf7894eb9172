// What C++ and the C libraries expect of their surroundings: new, malloc, and an end to it all.
#include "cpu.hpp"
#include "heap.hpp"
#include "hypercall.hpp"
#include "print.hpp"

#include <base/panic.hpp>
#include <new>

namespace kit {

static constinit Heap the_heap;

Heap& heap() { return the_heap; }

void* take_pages(u64 count) {
    void* pages = the_heap.take(count * page_size, page_size);
    if (pages == nullptr) panic("out of memory: {} pages wanted", count);
    return memset(pages, 0, count * page_size);
}

}  // namespace kit

namespace hv {

void panic_with(std::string_view format, std::span<const Argument> arguments) {
    kit::print("panic: ");
    print_to(kit::console(), format, arguments);
    kit::print("\n");
    kit::shut_down(kit::Shutdown::crash);
}

}  // namespace hv

using hv::panic;

static void* take_or_panic(size_t size) {
    void* block = kit::heap().take(size);
    if (block == nullptr) panic("out of memory: {} bytes wanted", size);
    return block;
}

void* operator new(size_t size) { return take_or_panic(size); }
void* operator new[](size_t size) { return take_or_panic(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return kit::heap().take(size); }
void operator delete(void* block) noexcept { kit::heap().give(block); }
void operator delete(void* block, size_t) noexcept { kit::heap().give(block); }
void operator delete[](void* block) noexcept { kit::heap().give(block); }
void operator delete[](void* block, size_t) noexcept { kit::heap().give(block); }

namespace std {
const nothrow_t nothrow{};
void __throw_bad_alloc() { panic("out of memory"); }
void __throw_bad_array_new_length() { panic("array too long"); }
void __throw_length_error(const char* what) { panic("too long: {}", what); }
void __throw_logic_error(const char* what) { panic("logic error: {}", what); }
void __throw_out_of_range(const char* what) { panic("out of range: {}", what); }
void __throw_out_of_range_fmt(const char* what, ...) { panic("out of range: {}", what); }
}  // namespace std

extern "C" {
constinit char __libc_single_threaded = 1; // shared pointers ask: counting needs no locked bus
void* malloc(size_t size) { return kit::heap().take(size); }
void free(void* block) { kit::heap().give(block); }
void* calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    void* block = kit::heap().take(bytes);
    return block == nullptr ? nullptr : memset(block, 0, bytes);
}
[[noreturn]] void __stack_chk_fail() { panic("a function overran its stack frame"); }
[[noreturn]] void __cxa_pure_virtual() { panic("a pure virtual function was called"); }
}

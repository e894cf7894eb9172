// What the compiler expects of a world without a C library: block copies, and the hooks of failure.
#include <base/panic.hpp>

extern "C" {

void* memcpy(void* to, const void* from, size_t count) {
    // Eight bytes at a time, then the rest: `rep` counts each element as an instruction
    void* const start = to;
    size_t words = count / 8, bytes = count % 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
    return start;
}

void* memmove(void* to, const void* from, size_t count) {
    if (to <= from || static_cast<const char*>(from) + count <= to)
        return memcpy(to, from, count);
    auto* end = static_cast<unsigned char*>(to) + count;
    const auto* source = static_cast<const unsigned char*>(from) + count;
    for (; count % 8 != 0; --count)
        *--end = *--source;
    // Each word is read before it is written, and what it overwrites was read before
    for (; count > 0; count -= 8) {
        unsigned long word;
        __builtin_memcpy(&word, source -= 8, sizeof word);
        __builtin_memcpy(end -= 8, &word, sizeof word);
    }
    return to;
}

void* memset(void* to, int value, size_t count) {
    void* const start = to;
    const unsigned long pattern = 0x0101010101010101ul * static_cast<unsigned char>(value);
    size_t words = count / 8, bytes = count % 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
    return start;
}

int memcmp(const void* left, const void* right, size_t count) {
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (; count > 0; --count, ++a, ++b)
        if (*a != *b)
            return *a - *b;
    return 0;
}

void* memchr(const void* in, int value, size_t count) {
    const auto* at = static_cast<const unsigned char*>(in);
    for (; count > 0; --count, ++at)
        if (*at == static_cast<unsigned char>(value))
            return const_cast<unsigned char*>(at);
    return nullptr;
}

size_t strlen(const char* text) {
    size_t length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}

[[noreturn]] void __cxa_pure_virtual() { hv::panic("a pure virtual function was called"); }

[[noreturn]] void __assert_fail(const char* what, const char* file, unsigned line, const char*) {
    hv::panic("{}:{}: not true: {}", file, line, what);
}
}

namespace std {
void __throw_length_error(const char* what) { hv::panic("length error: {}", what); }
void __throw_out_of_range_fmt(const char* what, ...) { hv::panic("{}", what); }
}  // namespace std

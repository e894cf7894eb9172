// The four memory functions that a C++ compiler takes for granted, and the few that libraries want.
#include <stddef.h>
#include <stdint.h>

extern "C" {

void* memcpy(void* to, const void* from, size_t count) {
    void* start = to;
    size_t words = count / 8, rest = count % 8;
    asm volatile("rep movsq; mov %[rest], %%rcx; rep movsb"
                 : "+&D"(to), "+&S"(from), "+&c"(words)
                 : [rest] "r"(rest)
                 : "memory");
    return start;
}

void* memmove(void* to, const void* from, size_t count) {
    auto* out = static_cast<char*>(to);
    auto* in = static_cast<const char*>(from);
    if (out <= in || out >= in + count) return memcpy(to, from, count);
    while (count-- > 0) {
        out[count] = in[count];
        asm volatile("" : : : "memory");
    }
    return to;
}

void* memset(void* to, int value, size_t count) {
    void* start = to;
    size_t words = count / 8, rest = count % 8;
    uint64_t pattern = uint8_t(value) * 0x0101010101010101u;
    asm volatile("rep stosq; mov %[rest], %%rcx; rep stosb"
                 : "+&D"(to), "+&c"(words)
                 : "a"(pattern), [rest] "r"(rest)
                 : "memory");
    return start;
}

int memcmp(const void* left, const void* right, size_t count) {
    auto* a = static_cast<const unsigned char*>(left);
    auto* b = static_cast<const unsigned char*>(right);
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

void* memchr(const void* where, int value, size_t count) {
    auto* bytes = static_cast<const unsigned char*>(where);
    for (size_t i = 0; i < count; i++)
        if (bytes[i] == (unsigned char)value) return const_cast<unsigned char*>(bytes + i);
    return nullptr;
}

size_t strlen(const char* text) {
    size_t length = 0;
    while (text[length] != 0) {
        length++;
        asm volatile("" : : : "memory");
    }
    return length;
}

} // extern "C"

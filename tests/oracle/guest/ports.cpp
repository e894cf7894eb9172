// Legacy ports and memory without RAM: nothing is there, and nothing is said about it.
#include "ask.hpp"
#include "attempt.hpp"

namespace oracle {
namespace {

constexpr u16 ports[] = {
    0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xb2,
    0xcf8, 0xcfc, 0xcf9, 0x3f8, 0x3fd, 0x2f8, 0x378, 0x1f0, 0x3c0, 0x3d4, 0x4d0, 0x4d1, 0x510,
    0x402, 0xb000, 0xb004, 0xb008, 0xafe0, 0x1808, 0xe9, 0xea, 0x10, 0x5658, 0xffff,
};

constexpr u64 holes[] = {
    0xc0000000, 0xd0000000, 0xe0000000, 0xe0000004, 0xfec00000, 0xfec00010, 0xfed00000, 0xfed40000,
    0xfee00000 + 0x1000, 0xfff00000, 0xfffffff0,
};

void ask_port(u16 port) {
    for (const unsigned bytes : {1u, 2u, 4u}) {
        if (port == 0xe9) continue;  // where we speak
        const Attempt got = try_in(port, bytes);
        tell("ports.in", words("{:x}, {} bytes", port, bytes),
             got.fine() ? hex(got.value) : Told{name_of(got)});
    }
}

void ask_writes() {
    for (const u16 port : {0x43, 0x61, 0x70, 0x80, 0xcf8, 0xcf9, 0x3f8, 0x64, 0xb2, 0x20, 0xa1})
        for (const unsigned bytes : {1u, 4u})
            tell("ports.out", words("{:x}, {} bytes", port, bytes),
                 name_of(try_out(port, bytes, 0x80)));
    (void)try_out(0xcf8, 4, 0x80000000);
    tell("ports.PCI: device 0", hex(try_in(0xcfc, 4).value));
    tell("ports.PCI: address", hex(try_in(0xcf8, 4).value));
}

void ask_strings() {
    u8 bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    u64 to = address(bytes), count = 4;
    asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0x378) : "memory");
    tell("ports.string in: count left", long(count));
    tell("ports.string in: moved", long(to - address(bytes)));
    tell("ports.string in: what came", hex(bytes[0]));
    u64 from = address(bytes);
    count = 4;
    asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x378) : "memory");
    tell("ports.string out: count left", long(count));
    tell("ports.string out: moved", long(from - address(bytes)));
}

void ask_memory_without_ram() {
    for (const u64 hole : holes) {
        for (const unsigned bytes : {1u, 4u, 8u}) {
            const Attempt got = try_read(hole, bytes);
            tell("mmio.read", words("{:x}, {} bytes", hole, bytes),
                 got.fine() ? hex(got.value) : Told{name_of(got)});
            tell("mmio.write", words("{:x}, {} bytes", hole, bytes),
                 name_of(try_write(hole, bytes, 0x1234)));
        }
    }
    const Attempt crossing = try_read(0xc0000ffe, 4);
    tell("mmio.read over a page's end", hex(crossing.value));
}

}  // namespace

void ask_ports() {
    for (const u16 port : ports)
        ask_port(port);
    ask_writes();
    ask_strings();
    ask_memory_without_ram();
}

}  // namespace oracle

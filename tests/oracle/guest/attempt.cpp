// Each attempt notes where to go on; the handler of a fault goes there.
#include "attempt.hpp"

#include "ask.hpp"

#include <kit/hypercall.hpp>

namespace oracle {
namespace {

constinit u64 go_on_at = 0;
constinit Attempt last{};

void on_fault(TrapFrame& frame) {
    last.vector = frame.vector;
    last.error = frame.error;
    if (go_on_at == 0) {
        tell("faults.unexpected", name_of(last));
        shut_down(Shutdown::crash);
    }
    frame.rip = go_on_at;
    go_on_at = 0;
}

/// The start of an attempt's instructions, and its end.
#define BEGIN "movq $1f, %[at]\n"
#define END "\n1:"

template <class Do> Attempt attempt(Do run) {
    last = {};
    const u64 value = run();
    go_on_at = 0;
    Attempt result = last;
    result.value = value;
    return result;
}

}  // namespace

void attempts_init() {
    for (u8 vector : {0, 1, 3, 6, 7, 12, 13, 14, 17})
        on_trap(vector, on_fault);
    on_trap(2, [](TrapFrame&) {});  // an NMI that we asked for
}

Attempt try_rdmsr(u32 msr) {
    return attempt([=] {
        u64 low = 0, high = 0;
        asm volatile(BEGIN "rdmsr" END : "+a"(low), "+d"(high), [at] "=m"(go_on_at) : "c"(msr));
        return high << 32 | low;
    });
}

Attempt try_wrmsr(u32 msr, u64 value) {
    return attempt([=] {
        asm volatile(BEGIN "wrmsr" END
                     : [at] "=m"(go_on_at)
                     : "c"(msr), "a"(u32(value)), "d"(u32(value >> 32))
                     : "memory");
        return value;
    });
}

Attempt try_in(u16 port, unsigned bytes) {
    return attempt([=] {
        u64 value = 0;
        if (bytes == 1)
            asm volatile(BEGIN "inb %w2, %b0" END : "+a"(value), [at] "=m"(go_on_at) : "d"(port));
        else if (bytes == 2)
            asm volatile(BEGIN "inw %w2, %w0" END : "+a"(value), [at] "=m"(go_on_at) : "d"(port));
        else
            asm volatile(BEGIN "inl %w2, %k0" END : "+a"(value), [at] "=m"(go_on_at) : "d"(port));
        return value;
    });
}

Attempt try_out(u16 port, unsigned bytes, u32 value) {
    return attempt([=] {
        if (bytes == 1)
            asm volatile(BEGIN "outb %b1, %w2" END : [at] "=m"(go_on_at) : "a"(value), "d"(port));
        else if (bytes == 2)
            asm volatile(BEGIN "outw %w1, %w2" END : [at] "=m"(go_on_at) : "a"(value), "d"(port));
        else
            asm volatile(BEGIN "outl %k1, %w2" END : [at] "=m"(go_on_at) : "a"(value), "d"(port));
        return u64{value};
    });
}

Attempt try_read(u64 address, unsigned bytes) {
    return attempt([=] {
        u64 value = 0;
        if (bytes == 1)
            asm volatile(BEGIN "movb (%2), %b0" END
                         : "+a"(value), [at] "=m"(go_on_at)
                         : "r"(address)
                         : "memory");
        else if (bytes == 2)
            asm volatile(BEGIN "movw (%2), %w0" END
                         : "+a"(value), [at] "=m"(go_on_at)
                         : "r"(address)
                         : "memory");
        else if (bytes == 4)
            asm volatile(BEGIN "movl (%2), %k0" END
                         : "+a"(value), [at] "=m"(go_on_at)
                         : "r"(address)
                         : "memory");
        else
            asm volatile(BEGIN "movq (%2), %0" END
                         : "+a"(value), [at] "=m"(go_on_at)
                         : "r"(address)
                         : "memory");
        return value;
    });
}

Attempt try_write(u64 address, unsigned bytes, u64 value) {
    return attempt([=] {
        if (bytes == 1)
            asm volatile(BEGIN "movb %b1, (%2)" END
                         : [at] "=m"(go_on_at)
                         : "a"(value), "r"(address)
                         : "memory");
        else if (bytes == 4)
            asm volatile(BEGIN "movl %k1, (%2)" END
                         : [at] "=m"(go_on_at)
                         : "a"(value), "r"(address)
                         : "memory");
        else
            asm volatile(BEGIN "movq %1, (%2)" END
                         : [at] "=m"(go_on_at)
                         : "a"(value), "r"(address)
                         : "memory");
        return value;
    });
}

Attempt try_xsetbv(u32 which, u64 value) {
    return attempt([=] {
        asm volatile(BEGIN "xsetbv" END
                     : [at] "=m"(go_on_at)
                     : "c"(which), "a"(u32(value)), "d"(u32(value >> 32)));
        return value;
    });
}

Attempt try_cr(unsigned number, u64 value) {
    return attempt([=] {
        if (number == 0)
            asm volatile(BEGIN "mov %1, %%cr0" END : [at] "=m"(go_on_at) : "r"(value) : "memory");
        else if (number == 4)
            asm volatile(BEGIN "mov %1, %%cr4" END : [at] "=m"(go_on_at) : "r"(value) : "memory");
        else
            asm volatile(BEGIN "mov %1, %%cr8" END : [at] "=m"(go_on_at) : "r"(value) : "memory");
        return value;
    });
}

Attempt try_hypercall(u32 number) {
    return attempt([=] {
        // A fault leaves the return address of the call on the stack: the old top is put back
        u64 a = 0, b = 0, c = 0, result = ~0ull;
        register u64 r10 asm("r10") = 0;
        register u64 r8 asm("r8") = 0;
        register u64 r9 asm("r9") = 0;
        asm volatile(BEGIN "mov %%rsp, %%r12\n call *%[entry]" END "\n mov %%r12, %%rsp"
                     : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9),
                       [at] "=m"(go_on_at)
                     : [entry] "r"(hypercall_page + number * 32)
                     : "rcx", "r11", "r12", "memory");
        return result;
    });
}

std::string_view name_of(const Attempt& attempt) {
    switch (attempt.vector) {
    case Attempt::nothing: return "fine";
    case 0: return "#DE";
    case 1: return "#DB";
    case 3: return "#BP";
    case 6: return "#UD";
    case 7: return "#NM";
    case 12: return "#SS";
    case 13: return "#GP";
    case 14: return "#PF";
    case 17: return "#AC";
    default: return "another exception";
    }
}

}  // namespace oracle

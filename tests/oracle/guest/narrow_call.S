// From 64-bit code into 32-bit code and back, with a hypercall in between.

    .text
    .code64
// u32 narrow_call(u32 number, const u32 arguments[5]): RDI, RSI
    .globl narrow_call
narrow_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    lgdt narrow_tables
    mov %edi, %eax
    shl $5, %eax
    add $hypercall_page, %eax
    mov %eax, entry
    mov %rsi, %rbp
    mov (%rbp), %ebx
    mov 4(%rbp), %ecx
    mov 8(%rbp), %edx
    mov 12(%rbp), %esi
    mov 16(%rbp), %edi
    ljmp *to_narrow

    .code32
narrow:
    call *entry
    ljmp $8, $wide

    .code64
wide:
    mov %eax, %eax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .data
    .balign 8
to_narrow:
    .long narrow
    .word 24
    .balign 8
entry:
    .quad 0
tables:
    .quad 0
    .quad 0x00af9b000000ffff    // 8: 64-bit code
    .quad 0x00cf93000000ffff    // 16: data
    .quad 0x00cf9b000000ffff    // 24: 32-bit code
narrow_tables:
    .word narrow_tables - tables - 1
    .quad tables

    .section .note.GNU-stack, "", @progbits

// From 64-bit code into 32-bit code and back, with a call in between; paging may be off for it.

    .text
    .code64
// u32 narrow_call(u32 code, const u32 arguments[5]): RDI, RSI. The code is called with the
// arguments in EBX, ECX, EDX, ESI and EDI; its EAX comes back.
    .globl narrow_call
narrow_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    lgdt narrow_tables
    mov %edi, entry
    mov %rsi, %rbp
    mov (%rbp), %ebx
    mov 4(%rbp), %ecx
    mov 8(%rbp), %edx
    mov 12(%rbp), %esi
    mov 16(%rbp), %edi
    ljmp *to_narrow

    .code32
narrow:
    mov %cr0, %eax
    mov %eax, paged
    and kept_of_cr0, %eax
    mov %eax, %cr0
    call *entry
    mov %eax, %ebp
    mov paged, %eax
    mov %eax, %cr0
    ljmp $8, $wide

// Called with a register's number in ECX and its low half in EBX
    .globl narrow_wrmsr_code
narrow_wrmsr_code:
    mov %ebx, %eax
    xor %edx, %edx
    wrmsr
    ret

    .code64
wide:
    mov %ebp, %eax
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
paged:
    .long 0
// What of CR0 stays while the code runs
    .globl kept_of_cr0
kept_of_cr0:
    .long 0xffffffff
tables:
    .quad 0
    .quad 0x00af9b000000ffff    // 8: 64-bit code
    .quad 0x00cf93000000ffff    // 16: data
    .quad 0x00cf9b000000ffff    // 24: 32-bit code
narrow_tables:
    .word narrow_tables - tables - 1
    .quad tables

    .section .note.GNU-stack, "", @progbits

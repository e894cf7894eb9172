// Where every other pCPU begins: from real mode, in a page below 1 MiB, up to 64-bit mode.

    .section .rodata
    .balign 16
    .code16
    .global trampoline_start
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl (trampoline_gdtr - trampoline_start)
    mov $0x11, %eax
    mov %eax, %cr0
    ljmpl *(trampoline_far32 - trampoline_start)

    .code32
trampoline_32:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %ss
    // EBP: where this page is; the boot pCPU wrote it
    .byte 0xbd
    .global trampoline_base
trampoline_base:
    .long 0
    mov $(1 << 5), %eax
    mov %eax, %cr4
    mov (trampoline_cr3 - trampoline_start)(%ebp), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $(1 << 8 | 1 << 11), %eax
    wrmsr
    mov $(1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1), %eax
    mov %eax, %cr0
    ljmp *(trampoline_far64 - trampoline_start)(%ebp)

    .code64
trampoline_64:
    mov (trampoline_root - trampoline_start)(%rbp), %rax
    mov (trampoline_stack - trampoline_start)(%rbp), %rsp
    mov (trampoline_cpu - trampoline_start)(%rbp), %rdi
    movabs $secondary_high, %rdx
    jmp *%rdx

    // What the boot pCPU fills in before it sends the startup message
    .balign 8
    .global trampoline_far32, trampoline_far64, trampoline_cr3
    .global trampoline_root, trampoline_stack, trampoline_cpu, trampoline_gdt_base
trampoline_gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
trampoline_gdtr:
    .short 31
trampoline_gdt_base:
    .long trampoline_gdt - trampoline_start
    .short 0
trampoline_far32:
    .long trampoline_32 - trampoline_start
    .short 8, 0
trampoline_far64:
    .long trampoline_64 - trampoline_start
    .short 24, 0
trampoline_cr3:
    .quad 0
trampoline_root:
    .quad 0
trampoline_stack:
    .quad 0
trampoline_cpu:
    .quad 0
    .global trampoline_end
trampoline_end:

    // On the first tables still, but at the linked address: now the final ones
    .text
    .type secondary_high, @function
secondary_high:
    mov %rax, %cr3
    xor %ebp, %ebp
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    call start_secondary
    ud2
    .size secondary_high, . - secondary_high

    .section .note.GNU-stack, "", @progbits

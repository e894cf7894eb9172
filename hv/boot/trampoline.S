// Where every other pCPU begins: in real mode, in a page below 1 MiB; the climb is entry.S's.

// The orders that the boot pCPU leaves: struct Orders of processors.cpp
#define ORDERS (trampoline_orders - trampoline_start)
#define ORDERS_GDT 0
#define ORDERS_ENTRY 6
#define ORDERS_IMAGE 12
#define ORDERS_GO_ON 16
#define ORDERS_BYTES 48

    .section .rodata
    .balign 16
    .code16
    .global trampoline_start
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    mov (ORDERS + ORDERS_IMAGE), %ebp
    movzwl %ax, %edi
    shl $4, %edi
    add $(ORDERS + ORDERS_GO_ON), %edi
    lgdtl (ORDERS + ORDERS_GDT)
    mov $0x11, %eax
    mov %eax, %cr0
    ljmpl *(ORDERS + ORDERS_ENTRY)
    .balign 8
    .global trampoline_orders
trampoline_orders:
    .skip ORDERS_BYTES
    .global trampoline_end
trampoline_end:

    // On the first tables still, but at the linked address, RDI at the orders' last words: where to
    // go on (here), the root of the final tables, the stack, the Cpu
    .code64
    .text
    .global secondary_high
    .type secondary_high, @function
secondary_high:
    mov 8(%rdi), %rax
    mov 16(%rdi), %rsp
    mov 24(%rdi), %rdi
    mov %rax, %cr3
    xor %ebp, %ebp
    call start_secondary
    ud2
    .size secondary_high, . - secondary_high

    .section .note.GNU-stack, "", @progbits

// The first instructions of every small guest: from Xen's 32-bit PVH entry to 64-bit C++.

#include <xen/elfnote.h>

    .section .note.Xen, "a", @note
    .balign 4
    .long 2f - 1f, 4f - 3f, XEN_ELFNOTE_PHYS32_ENTRY
1:  .asciz "Xen"
2:  .balign 4
3:  .long pvh_entry
4:  .balign 4

// Paging is off, EBX holds the address of the start info (hvm/start_info.h).
    .section .text.entry, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cld
    mov $boot_stack_top, %esp
    mov %ebx, %ebp

    // One level-4 and one level-3 table; four level-2 tables cover 4 GiB in 2 MiB pages.
    movl $(pml4_next + 3), pml4
    mov $pdpt_entries, %edi
    mov $(page_directories + 3), %eax
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b

    mov $page_directories, %edi
    mov $0x83, %eax             // present, writable, large
    mov $2048, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    // PAE, FXSAVE and SSE; then long mode; then paging.
    mov $0x620, %eax
    mov %eax, %cr4
    mov $pml4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx       // EFER
    rdmsr
    or $0x100, %eax             // LME
    wrmsr
    mov $0x80000033, %eax       // PG, NE, ET, MP, PE
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $boot_stack_top, %esp
    mov %ebp, %edi
    xor %ebp, %ebp
    call kit_start
5:  cli
    hlt
    jmp 5b

    .section .rodata.gdt, "a"
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    // 8: 64-bit code
    .quad 0x00cf93000000ffff    // 16: data
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad gdt

// Xen writes its own instructions here when kit_start names this page to it.
    .section .text.hypercall_page, "ax"
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096, 0xcc

    .bss
    .balign 4096
pml4:               .skip 4096
pml4_next:
pdpt_entries:       .skip 4096
page_directories:   .skip 4 * 4096
boot_stack:         .skip 64 * 1024
boot_stack_top:

    .section .note.GNU-stack, "", @progbits

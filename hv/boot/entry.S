// The first instructions: three ways in, one climb to 64-bit mode.
#include <xen/elfnote.h>

#define PVH_MAGIC 0x336ec578
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define CODE64 8
#define DATA32 24
#define IMAGE_MEGABYTES 16

// Writes `count` entries at EDI, the first from EAX, each `step` further
.macro fill_entries count, step
    mov $\count, %ecx
1:  mov %eax, (%edi)
    add $\step, %eax
    add $8, %edi
    loop 1b
.endm

// The same in one of the image's tables: from `first` on, an address in the image with its flags
.macro fill_table table, first, count = 1, step = 0
    lea (\table - image_base)(%ebp), %edi
    lea (\first - image_base)(%ebp), %eax
    fill_entries \count, \step
.endm

    .section .text.entry, "ax"
    .code32
image_base:

// The multiboot2 header: an ELF that may be loaded at any multiple of 2 MiB below 4 GiB
    .balign 8
multiboot_header:
    .long MULTIBOOT2_HEADER_MAGIC, 0, multiboot_header_end - multiboot_header
    .long -(MULTIBOOT2_HEADER_MAGIC + 0 + (multiboot_header_end - multiboot_header))
    // Relocatable: lowest and highest address, alignment, preferably low
    .short 10, 0
    .long 24, 0x200000, 0xffffffff, 0x200000, 1
    // A linear frame buffer, if there may be one: of any size, best with 32 bits a pixel
    .short 5, 1
    .long 20, 0, 0, 32, 0
    // Modules at page boundaries, and the end of the tags
    .short 6, 0
    .long 8
    .short 0, 0
    .long 8
multiboot_header_end:

// In: 32-bit flat mode, paging off, EBX: the machine address of the start-of-day structure
pvh_entry:
    mov $PVH_MAGIC, %eax

    .global multiboot_entry
multiboot_entry:
    cli
    cld
    // Find where we are: CALL needs one word of stack. Offset 4 of either structure lends it
    mov 4(%ebx), %edx
    lea 8(%ebx), %esp
    call 1f
1:  pop %ebp
    mov %edx, 4(%ebx)
    sub $(1b - image_base), %ebp
    lea (boot_stack_end - image_base)(%ebp), %esp
    mov %eax, %esi

    // First tables, low half and direct map: the first 4 GiB in pages of 2 MiB
    fill_table boot_pml4, boot_low_pdpt + 3
    fill_table boot_pml4+256*8, boot_low_pdpt + 3
    fill_table boot_low_pdpt, boot_low_pd + 3, 4, 0x1000
    lea (boot_low_pd - image_base)(%ebp), %edi
    mov $0x83, %eax
    fill_entries 2048, 0x200000

    // The image at its linked address
    fill_table boot_pml4+511*8, boot_high_pdpt + 3
    fill_table boot_high_pdpt+510*8, boot_high_pd + 3
    fill_table boot_high_pd + 8, image_base + 0x83, IMAGE_MEGABYTES / 2, 0x200000
    lea (boot_go_on - image_base)(%ebp), %edi
    jmp climb

// Every other pCPU comes from trampoline.S, in 32-bit mode with EBP and EDI set as for the climb
    .global secondary_entry
secondary_entry:
    mov $DATA32, %ax
    mov %ax, %ds
    mov %ax, %ss
    lea (boot_stack_end - image_base)(%ebp), %esp

// In: EBP: the machine address of the image, EDI: of the word that says where to go on
climb:
    // Long mode: PAE, EFER.LME and NXE, paging
    mov $(1 << 5), %eax
    mov %eax, %cr4
    lea (boot_pml4 - image_base)(%ebp), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $(1 << 8 | 1 << 11), %eax
    wrmsr
    mov $(1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1), %eax
    mov %eax, %cr0

    // A code segment of 64 bits
    lea (boot_gdt - image_base)(%ebp), %eax
    mov %eax, (boot_gdtr + 2 - image_base)(%ebp)
    lgdt (boot_gdtr - image_base)(%ebp)
    pushl $CODE64
    lea (start64 - image_base)(%ebp), %eax
    push %eax
    lret

    .code64
start64:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov %edi, %edi
    jmp *(%rdi)

start_high:
    mov $boot_stack_end, %rsp
    mov %esi, %edi
    mov %ebx, %esi
    mov %ebp, %edx
    xor %ebp, %ebp
    call start
    ud2

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry - 0xffffffff80000000

    .data
    .balign 8
    .global boot_gdt
boot_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
    .short 31
    .quad 0
boot_go_on:
    .quad start_high

    .bss
    .balign 4096
boot_pml4:
    .skip 4096
boot_low_pdpt:
    .skip 4096
boot_low_pd:
    .skip 4 * 4096
boot_high_pdpt:
    .skip 4096
boot_high_pd:
    .skip 4096
// Big enough to read the firmware's tables on; each pCPU then gets a guarded stack of its own
    .skip 16384
boot_stack_end:

    .section .note.GNU-stack, "", @progbits

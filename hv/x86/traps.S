// Trap stubs: 256 short ones that push the vector, and the common path that saves and restores.

    .text
    .balign 16
    .global trap_stubs
    .type trap_stubs, @object
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    // #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP push an error code of their own
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
    .else
    pushq $0
    .endif
    pushq $vector
    jmp trap_entry
    .set vector, vector + 1
    .endr
    .balign 16
    .size trap_stubs, . - trap_stubs

    .type trap_entry, @function
trap_entry:
    cld
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    push %r\number
    .endr
    mov %rsp, %rdi
    // A frame pointer chain through the interrupted code, for the backtrace
    mov %rsp, %rbx
    and $-16, %rsp
    call handle_trap
    mov %rbx, %rsp
    .irp number, 15, 14, 13, 12, 11, 10, 9, 8
    pop %r\number
    .endr
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq
    .size trap_entry, . - trap_entry

    .section .note.GNU-stack, "", @progbits

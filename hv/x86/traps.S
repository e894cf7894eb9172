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
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rdi
    // A frame pointer chain through the interrupted code, for the backtrace
    mov %rsp, %rbx
    and $-16, %rsp
    call handle_trap
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
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

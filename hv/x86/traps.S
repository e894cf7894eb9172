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
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
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
    .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    push %\register
    .endr
    mov %rsp, %rdi
    // A frame pointer chain through the interrupted code, for the backtrace
    mov %rsp, %rbx
    and $-16, %rsp
    call handle_trap
    mov %rbx, %rsp
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
    pop %\register
    .endr
    add $16, %rsp
    iretq
    .size trap_entry, . - trap_entry

    .section .note.GNU-stack, "", @progbits

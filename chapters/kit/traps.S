// The 256 doors of the interrupt table: save everything, tell kit_trap which door, put it back.

    .text
    .balign 16
    .globl trap_doors
trap_doors:
    vector = 0
    .rept 256
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
    .else
    push $0                     // no error code from the CPU: keep the frame's shape
    .endif
    push $vector
    jmp trap_common
    vector = vector + 1
    .endr

trap_common:
    push %rax; push %rbx; push %rcx; push %rdx; push %rsi; push %rdi; push %rbp
    push %r8;  push %r9;  push %r10; push %r11; push %r12; push %r13; push %r14; push %r15
    cld
    mov %rsp, %rbx
    mov %rsp, %rdi

    // A guest built on the kit may use SSE: the handler must leave no trace in it.
    sub $512, %rsp
    and $-16, %rsp
    fxsave64 (%rsp)
    call kit_trap
    fxrstor64 (%rsp)

    mov %rbx, %rsp
    pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10; pop %r9; pop %r8
    pop %rbp; pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %rbx; pop %rax
    add $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits

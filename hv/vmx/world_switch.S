// The way into a guest and back: general registers by hand, the rest by the VMCS.

// u64 vmx_world_switch(GeneralRegisters* gpr, Companion* own, u32 launched)
// Returns 0 after an exit, 1 when the CPU would not try to enter. Called with interrupts off.
// Offsets in GeneralRegisters are the registers' numbers times 8; slot 4 (RSP) is unused.
        .text
        .globl vmx_world_switch
        .type vmx_world_switch, @function
vmx_world_switch:
        .irp register, rbp, rbx, r12, r13, r14, r15
        push %\register
        .endr
        push %rdi                       // found again after the exit

        // HOST_RSP, only when it differs from the last time
        cmp %rsp, (%rsi)
        je 1f
        mov %rsp, (%rsi)
        mov $0x6c14, %eax
        vmwrite %rsp, %rax
1:
        // The guest's registers; MOV leaves the flags of this test alone
        test %edx, %edx
        mov 0*8(%rdi), %rax
        mov 1*8(%rdi), %rcx
        mov 2*8(%rdi), %rdx
        mov 3*8(%rdi), %rbx
        mov 5*8(%rdi), %rbp
        mov 6*8(%rdi), %rsi
        .irp number, 8, 9, 10, 11, 12, 13, 14, 15
        mov \number*8(%rdi), %r\number
        .endr
        mov 7*8(%rdi), %rdi
        jz 2f
        vmresume
        jmp 3f
2:      vmlaunch

        // Still here: the CPU refused, and RSP never moved
3:      add $8, %rsp
        mov $1, %eax
        jmp 4f

// HOST_RIP: every exit arrives here, on the stack that vmx_world_switch left.
        .globl vmx_world_switch_exit
vmx_world_switch_exit:
        xchg %rdi, (%rsp)
        mov %rax, 0*8(%rdi)
        mov %rcx, 1*8(%rdi)
        mov %rdx, 2*8(%rdi)
        mov %rbx, 3*8(%rdi)
        mov %rbp, 5*8(%rdi)
        mov %rsi, 6*8(%rdi)
        .irp number, 8, 9, 10, 11, 12, 13, 14, 15
        mov %r\number, \number*8(%rdi)
        .endr
        pop 7*8(%rdi)
        xor %eax, %eax

4:
        .irp register, r15, r14, r13, r12, rbx, rbp
        pop %\register
        .endr
        ret
        .size vmx_world_switch, . - vmx_world_switch
        .section .note.GNU-stack, "", @progbits

// Into the guest, and back: the general registers by hand, the rest by VMLOAD, VMRUN and VMSAVE.

// void world_switch(VirtualCpu* vcpu, u64 guest_vmcb, u64 host_vmcb)
//                   RDI               RSI             RDX          (machine addresses)
//
// Called and returns with interrupts off. VMRUN itself keeps the host's RSP, RIP, RFLAGS, CRs and
// descriptor tables, and gives back RAX; the guest's RAX travels in its VMCB.
    .globl svm_world_switch
    .type svm_world_switch, @function
    .text
svm_world_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    push %rdi

    // Nothing may come between here and STGI. With the global flag off, STI only decides what
    // VMRUN does: an interrupt of the machine's ends the guest's run.
    clgi
    sti
    mov %rsi, %rax
    vmload %rax

    // The guest's registers, in the order of GeneralRegisters; RDI last, for it points there
    mov 0x08(%rdi), %rcx
    mov 0x10(%rdi), %rdx
    mov 0x18(%rdi), %rbx
    mov 0x28(%rdi), %rbp
    mov 0x30(%rdi), %rsi
    mov 0x40(%rdi), %r8
    mov 0x48(%rdi), %r9
    mov 0x50(%rdi), %r10
    mov 0x58(%rdi), %r11
    mov 0x60(%rdi), %r12
    mov 0x68(%rdi), %r13
    mov 0x70(%rdi), %r14
    mov 0x78(%rdi), %r15
    mov 0x38(%rdi), %rdi

    vmrun %rax
    vmsave %rax

    // Its registers back into the vCPU
    pop %rax
    mov %rcx, 0x08(%rax)
    mov %rdx, 0x10(%rax)
    mov %rbx, 0x18(%rax)
    mov %rbp, 0x28(%rax)
    mov %rsi, 0x30(%rax)
    mov %rdi, 0x38(%rax)
    mov %r8, 0x40(%rax)
    mov %r9, 0x48(%rax)
    mov %r10, 0x50(%rax)
    mov %r11, 0x58(%rax)
    mov %r12, 0x60(%rax)
    mov %r13, 0x68(%rax)
    mov %r14, 0x70(%rax)
    mov %r15, 0x78(%rax)

    // The host's GS and TR must stand before the first event can come
    pop %rax
    vmload %rax
    cli
    stgi

    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size svm_world_switch, . - svm_world_switch
    .section .note.GNU-stack, "", @progbits

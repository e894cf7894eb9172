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
    .irp register, rbp, rbx, r12, r13, r14, r15
    push %\register
    .endr
    push %rdx
    push %rdi

    // Nothing may come between here and STGI. With the global flag off, STI only decides what
    // VMRUN does: an interrupt of the machine's ends the guest's run.
    clgi
    sti
    mov %rsi, %rax
    vmload %rax

    // The guest's registers, in the order of GeneralRegisters; RDI last, for it points there
    mov 1*8(%rdi), %rcx
    mov 2*8(%rdi), %rdx
    mov 3*8(%rdi), %rbx
    mov 5*8(%rdi), %rbp
    mov 6*8(%rdi), %rsi
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    mov \number*8(%rdi), %r\number
    .endr
    mov 7*8(%rdi), %rdi

    vmrun %rax
    vmsave %rax

    // Its registers back into the vCPU
    pop %rax
    mov %rcx, 1*8(%rax)
    mov %rdx, 2*8(%rax)
    mov %rbx, 3*8(%rax)
    mov %rbp, 5*8(%rax)
    mov %rsi, 6*8(%rax)
    mov %rdi, 7*8(%rax)
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    mov %r\number, \number*8(%rax)
    .endr

    // The host's GS and TR must stand before the first event can come
    pop %rax
    vmload %rax
    cli
    stgi

    .irp register, r15, r14, r13, r12, rbx, rbp
    pop %\register
    .endr
    ret
    .size svm_world_switch, . - svm_world_switch
    .section .note.GNU-stack, "", @progbits

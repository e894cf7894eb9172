// The seam between the two engines and everything above them: what a processor is at one instant,
// and why it stopped, told in neutral words.
#pragma once

#include <base/result.hpp>
#include <concepts>
#include <x86/page_format.hpp>

namespace hv::x86 {

/// The general registers that a world switch moves by hand. RSP, RIP and RFLAGS are in the engine's
/// control block. The order is the encoding of registers in instructions, so that a decoder can
/// index it; slot 4 (RSP) is unused here.
struct GeneralRegisters {
    u64 rax = 0, rcx = 0, rdx = 0, rbx = 0, rsp_unused = 0, rbp = 0, rsi = 0, rdi = 0;
    u64 r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;

    u64& operator[](unsigned index) { return (&rax)[index]; }
    u64 operator[](unsigned index) const { return (&rax)[index]; }
};
static_assert(sizeof(GeneralRegisters) == 16 * 8);

/// One segment register with its hidden part. `attributes` are in VMX's layout (type in bits 3:0,
/// S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16); SVM's packed form is its own
/// affair.
struct Segment {
    u16 selector = 0;
    u32 attributes = 0x10000;
    u32 limit = 0;
    u64 base = 0;

    constexpr bool long_code() const { return attributes & (1 << 13); }
    constexpr bool big() const { return attributes & (1 << 14); }
    constexpr unsigned privilege() const { return attributes >> 5 & 3; }
};

struct DescriptorTable {
    u64 base = 0;
    u32 limit = 0;
};

/// The part of a vCPU's state that lives in its engine's control block or in MSRs switched with it.
struct CpuState {
    u64 rip = 0, rsp = 0, rflags = 2;
    u64 cr0 = 0x10, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0;
    Segment cs, ds, es, fs, gs, ss, tr, ldtr;
    DescriptorTable gdtr, idtr;
    u64 dr6 = 0xffff0ff0, dr7 = 0x400;
    u64 star = 0, lstar = 0, cstar = 0, syscall_mask = 0, kernel_gs_base = 0;
    u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    u64 pat = 0x0007040600070406;
};

/// What decides how a guest's virtual addresses are read: see x86/guest_walk.hpp.
struct PagingState {
    constexpr PagingState(u64 cr0 = 0, u64 root = 0, u64 cr4 = 0, u64 efer = 0,
                          unsigned privilege = 0, u64 rflags = 0)
        : cr3{root}, mode{cr4 << 32 | (cr0 & (CR0_PG | CR0_WP)) | (efer & (EFER_LMA | EFER_NXE)) |
                          (rflags & RFLAGS_AC) | privilege} {}

    u64 cr3 = 0;
    /// The rest in one word: what matters of CR0, EFER and RFLAGS in the bits that it has there,
    /// none of which two of them share; the privilege level in the lowest two; above them CR4.
    u64 mode = 0;

    constexpr u64 cr4() const { return mode >> 32; }
    constexpr unsigned privilege() const { return mode & 3; }
    constexpr bool operator==(const PagingState&) const = default;
};

/// Why a guest stopped running, with its operands. Raw exit codes never leave vmx/ and svm/.
struct Exit {
    enum class Kind : u8 {
        external_interrupt,  ///< the machine's own: take it and go on
        nmi,                 ///< the machine's own
        timer,               ///< VMX's preemption timer: a look at what is pending
        interrupt_window,    ///< the guest can take an interrupt now
        cpuid,
        hypercall,
        halt,
        pause,
        read_msr,            ///< RCX names it
        write_msr,           ///< RCX names it, EDX:EAX is the value
        port,                ///< IN, OUT and their string forms: `port`
        control_register,    ///< MOV to CR: `control`
        nested_fault,        ///< EPT violation or nested page fault: `fault`
        apic_write,          ///< trap after a write to the virtual-APIC page: `apic_offset`
        extended_control,    ///< XSETBV: ECX, EDX:EAX
        cache_write_back,    ///< WBINVD or INVD
        exception,           ///< an intercepted exception: `vector`
        undefined,           ///< an instruction that this guest's CPU does not have: raise #UD
        shutdown,            ///< triple fault
        resolved,            ///< the engine has dealt with it: look at what is pending, and enter
        refused,             ///< the engine would not enter the guest: `raw` says why
        unhandled,           ///< anything else: `raw` is the engine's code, for printing only
    };

    struct Port {
        u16 number;
        u8 size;  ///< 1, 2 or 4 bytes
        bool in, string, repeated;
    };
    struct Fault {
        Gpa address;
        bool read, write, fetch;
        bool present;         ///< a translation was there, but did not allow this access
        bool in_page_walk;    ///< the access was the CPU reading the guest's page tables
        bool misconfigured;   ///< EPT misconfiguration: a bug of ours
    };
    struct Control {
        u8 number;    ///< 0, 4 or 8
        bool decoded; ///< false: the engine knows no more; the caller decodes the instruction
        u8 gpr;       ///< index in GeneralRegisters; 4 is RSP
    };

    Kind kind = Kind::unhandled;
    u8 length = 0;     ///< bytes of the instruction; 0 where the engine does not say
    bool long_mode = false;  ///< hypercall: made from 64-bit code
    u8 privilege = 0;        ///< hypercall: current privilege level
    u8 vector = 0;
    u16 apic_offset = 0;
    u64 raw = 0;       ///< the engine's exit code; to be printed, never compared
    u64 qualification = 0;  ///< the engine's detail; to be printed, never compared
    union {
        Port port;
        Fault fault;
        Control control;
    };

    constexpr Exit() : fault{} {}
};

/// How both makers spell an event: Intel's interruption information (entry, exit, IDT vectoring)
/// and AMD's EVENTINJ and EXITINTINFO.
enum EventBits : u32 {
    EVENT_VECTOR = 0xff,
    EVENT_TYPE = 7u << 8,
    EVENT_INTERRUPT = 0u << 8,
    EVENT_NMI = 2u << 8,
    EVENT_EXCEPTION = 3u << 8,
    EVENT_SOFTWARE_INTERRUPT = 4u << 8,
    EVENT_ERROR_CODE = 1u << 11,
    EVENT_VALID = 1u << 31,
};

/// Something to hand to the guest at its next entry, spelled so. Error codes are 0.
constexpr u32 interrupt_event(u8 vector) { return EVENT_VALID | EVENT_INTERRUPT | vector; }
constexpr u32 exception_event(u8 vector, bool has_error_code = false) {
    return EVENT_VALID | EVENT_EXCEPTION | (has_error_code ? u32{EVENT_ERROR_CODE} : 0) | vector;
}
inline constexpr u32 nmi_event = EVENT_VALID | EVENT_NMI | EXCEPTION_NMI;

/// What changed of a virtual CPU since it last entered; bits of VirtualCpu::changes.
enum VcpuChange : u32 {
    change_translations = 1 << 0,  ///< the nested tables: flush
    change_settings = 1 << 1,      ///< nested_root, at first; tsc_offset, the task priority,
                                   ///< interrupts_delivered_by_cpu
};

/// What an engine keeps for one virtual CPU. Everything above an engine sees only the first half.
struct VirtualCpu {
    GeneralRegisters gpr;           ///< first: the world switch finds it at offset 0
    u64 tsc_offset = 0;             ///< guest TSC = host TSC + this
    u64 nested_root = 0;            ///< EPT pointer's or nCR3's table, machine address
    u8* apic_registers = nullptr;   ///< the 4 KiB of its local APIC, in the architecture's layout
    Mpa apic_address{};             ///< the same page, machine address
    u32 changes = ~0u;              ///< VcpuChange: what the engine takes over at the next entry
    u64 debug_addresses[4] = {};    ///< DR0 to DR3 while it is on no pCPU
    u64 tsc_aux = 0;                ///< IA32_TSC_AUX while it is on no pCPU
    bool interrupts_delivered_by_cpu = false; ///< virtual-interrupt delivery (APICv) is on

    void* control = nullptr;        ///< the VMCB or VMCS, for its engine only
    Mpa control_address{};
    u32 tag = 0;                    ///< ASID or VPID
    u64 tag_generation = 0;         ///< for the engine: the pCPU's generation in which tag is good
    u32 engine_bits = 0;            ///< for the engine alone
    u64 shadowed_at = 0;            ///< for SVM: where it last entered in an interrupt shadow
    u16 last_cpu = 0xffff;          ///< the pCPU that entered it last
};

/// What is found by reading capabilities, never assumed.
struct EngineCapabilities {
    bool superpage_2m = false, superpage_1g = false;
    bool virtual_interrupts = false;   ///< the CPU itself delivers virtual interrupts
    u32 tags = 0;                      ///< ASIDs or VPIDs
};

/// A processor that an engine cannot use, and the sentence that says why.
inline Error refuse(const char** why, const char* sentence) {
    *why = sentence;
    return Error{XEN_ENODEV};
}

/// What an engine keeps for one pCPU begins with its own address in the machine.
struct EngineArea {
    Mpa address{};

    /// The machine address of one of the area's parts.
    Mpa address_of(const void* part) const {
        return address + (reinterpret_cast<u64>(part) - reinterpret_cast<u64>(this));
    }
};

/// Where an engine gets the zeroed 4 KiB frames of its control blocks.
struct FrameSource {
    void* context;
    /// 2^order frames in one piece, aligned to their size.
    Result<Mpa> (*take)(void* context, u8 order);
    void (*give_back)(void* context, Mpa frame);
    u8* (*at)(void* context, Mpa address);  ///< where the hypervisor sees that machine address
};

/// An engine's operations that are asked for rarely. One table for each engine, chosen at boot.
/// The operations of every exit are the engine's static members: see the Engine concept.
struct EngineOperations {
    const char* name;             ///< "VMX" or "SVM"
    const EntryFormat* nested_format;
    /// What this processor offers, or why not: XEN_ENODEV with `*why` a sentence for a person.
    Result<EngineCapabilities> (*probe)(const char** why);
    /// Turns the engine on, on the pCPU that calls, whose TSC ticks at `tsc_hz`; frames for its
    /// per-pCPU areas come from `source`.
    Result<> (*turn_on)(u16 cpu, u64 tsc_hz, FrameSource& source);
    /// Makes a control block: a vCPU at reset that exits for all that policy must see.
    Result<> (*create)(VirtualCpu& vcpu, FrameSource& source);
    void (*destroy)(VirtualCpu& vcpu, FrameSource& source);
    /// The following may be called on any pCPU while the vCPU is not running.
    void (*read_state)(VirtualCpu& vcpu, CpuState& state);
    Result<> (*write_state)(VirtualCpu& vcpu, const CpuState& state);
    PagingState (*paging_state)(VirtualCpu& vcpu);
    void (*set_instruction_pointer)(VirtualCpu& vcpu, u64 rip);
    /// The MSRs that live in the control block and exit all the same; XEN_ENOENT: none of those.
    Result<u64> (*read_msr)(VirtualCpu& vcpu, u32 msr);
    Result<> (*write_msr)(VirtualCpu& vcpu, u32 msr, u64 value);
};

/// What the run loop asks of an engine at every turn, resolved at compile time.
/// All are called on the pCPU that runs the vCPU, `enter` with host interrupts off.
template <class E>
concept Engine = requires(VirtualCpu& vcpu, Exit& exit, u32 event, u16 cpu) {
    /// The vCPU comes to this pCPU, or leaves it: after depart, any pCPU may take it. General
    /// registers and FPU are not the engine's; MSRs that guest and host share without a switch are.
    { E::arrive(vcpu, cpu) };
    { E::depart(vcpu) };
    /// Runs the guest until it exits, and decodes why. An event whose delivery was cut short is
    /// handed over again at the next entry by the engine itself.
    { E::enter(vcpu, exit) };
    /// Moves past the instruction that exited.
    { E::skip(vcpu, exit) };
    /// True when the guest can take an interrupt at its next entry: IF set, no shadow, nothing
    /// queued.
    { E::interruptible(vcpu) } -> std::same_as<bool>;
    /// Hands over an interrupt, an exception or an NMI at its next entry.
    { E::inject(vcpu, event) };
    /// Asks for (or stops asking for) an exit as soon as the guest can take an interrupt. False
    /// when the CPU cannot be asked now: look again at the next exit.
    { E::watch_window(vcpu, true) } -> std::same_as<bool>;
    /// Where something was raised, tells the CPU to look at what is pending in the APIC page; says
    /// whether anything is. Only with interrupts_delivered_by_cpu.
    { E::offer(vcpu, true) } -> std::same_as<bool>;
    /// True when the guest's IF flag is set: HLT with it clear never wakes.
    { E::interrupts_enabled(vcpu) } -> std::same_as<bool>;
    { E::operations } -> std::convertible_to<const EngineOperations&>;
};

}  // namespace hv::x86

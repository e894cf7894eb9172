// Hypercalls: the table, the caller's arguments, how a long call goes on later, and the page.
#pragma once

#include <array>
#include <domains/guest_memory.hpp>
#include <span>
#include <string_view>

namespace hv {

struct Cpu;
struct Domain;
struct Vcpu;

inline constexpr size_t hypercall_rows = 64;

/// Whether a piece of work is finished or wants to be called again.
enum class [[nodiscard]] Progress : u8 { done, again };

/// What the guest finds in RAX: a result, or a negated Errno. An Error is an answer, too, so that
/// TRY leaves a handler.
struct [[nodiscard]] Answer {
    constexpr Answer(s64 result) : value{result} {}
    constexpr Answer(Error error) : value{-static_cast<s64>(error.code)} {}
    constexpr Answer(const Result<>& result) : Answer{result.ok() ? Answer{0} : result.error()} {}
    constexpr bool operator==(const Answer&) const = default;

    s64 value;
};

/// One hypercall in flight: who called, from what mode, with what.
class Call {
public:
    Call(Cpu& on, Vcpu& caller, bool from_64_bit);
    /// One entry of a multicall: its six arguments come from the guest's list, not from registers.
    Call(const Call& outer, u64* arguments);

    Cpu& cpu;
    Vcpu& vcpu;
    Domain& domain;
    const bool wide;   ///< called from 64-bit code: handles and longs are 8 bytes
    const bool nested; ///< an entry of a multicall

    /// Argument `index`, 0 to 5: RDI RSI RDX R10 R8 R9, or EBX ECX EDX ESI EDI EBP.
    u64 argument(unsigned index) const { return values_[places_[index]] & mask_; }
    /// Changes it, for a call that goes on later: the guest executes its instruction again.
    void set_argument(unsigned index, u64 value) { values_[places_[index]] = value; }

    /// Not finished: the guest will call again with the arguments as they stand now. Interrupts,
    /// the scheduler and a pending death come in between.
    static constexpr s64 again = INT64_MIN;
    /// A check for long loops: true when something else wants this pCPU.
    bool should_stop() const;

    // The guest's memory, by guest virtual address; XEN_EFAULT when any of it cannot be reached.
    Result<> read(void* into, u64 address, size_t bytes) {
        return read_guest(vcpu, into, address & mask_, bytes);
    }
    Result<> write(u64 address, const void* from, size_t bytes) {
        return write_guest(vcpu, address & mask_, from, bytes);
    }
    template <class T>
    Result<> read(T& into, u64 address) { return read(&into, address, sizeof into); }
    template <class T>
    Result<T> read(u64 address) {
        T value{};
        TRY(read(value, address));
        return value;
    }
    template <class T>
    Result<> write(u64 address, const T& from) { return write(address, &from, sizeof from); }
    /// The same for an outcome, which goes into the page where this call has just read what was
    /// asked (calls.hpp).
    template <class T>
    Result<> write_back(u64 address, const T& value);

    /// Element `index` of an array of the caller's longs (xen_ulong_t, xen_pfn_t): 8 or 4 bytes.
    Result<u64> read_long(u64 array, u64 index);
    /// As many of them as `into` has room for, at most 8, in one copy.
    Result<> read_longs(std::span<u64> into, u64 array, u64 index);
    Result<> write_long(u64 array, u64 index, u64 value);

private:
    u64* const values_;       ///< the caller's registers, or an entry's arguments
    const u8* const places_;  ///< where among them each argument is
    const u64 mask_;          ///< what counts of an argument, and of an address
};

/// What a handler returns, or Call::again.
using HypercallHandler = Answer (*)(Call& call);

struct HypercallRow {
    u8 number;                   ///< __HYPERVISOR_*
    HypercallHandler handler;
};

/// The answer to XENMEM_add_to_physmap for one space: the frame that `index` names, of `domain`.
/// It is a page of the hypervisor's own (shared_info, a grant frame), not the domain's RAM, with
/// one use more, which the caller ends.
struct PhysmapSpace {
    u8 space = 0xff;             ///< XENMAPSPACE_*
    Result<Mfn> (*frame)(Domain& domain, u64 index) = nullptr;
};

/// The answer to XENMEM_acquire_resource for one kind: what a domain has beside its RAM, and its
/// toolstack may look into.
struct Resource {
    u16 kind;                    ///< XENMEM_resource_*
    /// How many frames there can be of the one with that `id`; 0: there is no such.
    u32 (*most)(Domain& domain, u32 id);
    /// The frame at `index`, which is below that, with one use more, which the caller ends.
    Result<Mfn> (*frame)(Domain& domain, u32 id, u64 index);
};

/// Writes the 4 KiB at `page`: entry number n, at n * 32, is `mov $n, %eax; vmcall; ret` (vmmcall
/// on SVM), good in 64-bit and 32-bit code. `engine` is EngineOperations::name.
void fill_hypercall_page(u8* page, std::string_view engine);

/// Fills the guest's frame `gfn` so. XEN_EINVAL: that is no RAM which it may write.
Result<> show_hypercall_page(Domain& domain, Gfn gfn);

}  // namespace hv

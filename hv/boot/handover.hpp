// What the machine is handed at its start: by the loader, by firmware, and by a person.
#pragma once

#include <array>
#include <base/print.hpp>
#include <boot/frames.hpp>
#include <boot/screen.hpp>
#include <optional>
#include <span>

namespace hv {

/// One line of the firmware's memory map; its kinds have the numbers that all PCs give them.
struct MemoryRange {
    enum class Kind : u8 { usable = 1, reserved, acpi, acpi_nvs, bad };
    Mpa start{};
    u64 bytes = 0;
    Kind kind = Kind::reserved;

    Mpa end() const { return start + bytes; }
    bool usable() const { return kind == Kind::usable; }
};

/// What to write into the power registers to switch off: SLP_TYPa and SLP_TYPb.
struct SleepTypes {
    u8 a = 0, b = 0;
};

/// What the machine is known to be.
struct MachineFacts {
    std::array<MemoryRange, 64> memory_map{};
    u8 memory_ranges = 0;
    std::span<const MemoryRange> ranges() const { return {memory_map.data(), memory_ranges}; }

    Mpa image_start{}, image_end{};     ///< the hypervisor itself, page aligned
    Mpa module_start{};                 ///< the boot module; module_bytes is 0 when there is none
    u64 module_bytes = 0;
    Mpa host_tables{};                  ///< root of the hypervisor's own page tables, for CR3
    Mpa rsdp{};                         ///< ACPI's root pointer; 0 when nobody named it
    FrameBuffer screen{};               ///< usable() and outside of RAM, or there is none
    std::string_view loader{};          ///< "PVH" or "multiboot2"
    TextBuffer<1023> command_line{};    ///< as the loader gave it; told to dom0
                                        ///< (XENVER_commandline)

    std::array<u32, 8> apic_ids{};      ///< of the enabled pCPUs, boot pCPU first
    u8 apic_count = 0;
    u16 processors_found = 0;           ///< enabled ones that the firmware named, even beyond 8
    Mpa local_apic{0xfee00000};
    Mpa io_apic{};                      ///< the first I/O APIC; 0: none known
    static constexpr u8 com1_irq = 4;
    u32 com1_line = com1_irq;           ///< the I/O APIC's input that COM1 drives
    u16 pm1a_control = 0, pm1b_control = 0;  ///< I/O ports of the fixed hardware; 0: none
    std::optional<SleepTypes> soft_off{};    ///< _S5_, where the tables name it
    u8 reset_value = 0;
    u16 reset_port = 0;                 ///< FADT's reset register, when in I/O space
    u16 pm_timer_port = 0;              ///< 0: none
    u16 smi_command_port = 0;           ///< where to write acpi_enable_value; 0: ACPI is on already
    u8 acpi_enable_value = 0;
};

/// What the person who booted the machine asked for.
struct BootOptions {
    static constexpr u64 nobody = ~0ull;

    u64 dom0_mebibytes = 96;   ///< dom0_mem=MiB
    u64 cpus = 8;              ///< cpus=N: how many pCPUs to bring up at most
    u64 trace_kib = 256;       ///< trace=KiB: of each pCPU's ring of events
    u64 help = 0;              ///< help: list the options
    u64 panic_cpu = nobody;    ///< panic[=N]: break that pCPU on purpose, to see what a panic says
};

/// Reads `line` into `options`. Each word that is no option is named on `sink`, with what would be
/// right, and ignored.
void read_options(BootOptions& options, std::string_view line, Sink& sink);
/// Lists every option with a sentence.
void list_options(Sink& sink);

}  // namespace hv

namespace hv::boot {

inline constexpr u32 pvh_magic = 0x336ec578;         ///< XEN_HVM_START_MAGIC_VALUE
inline constexpr u32 multiboot2_magic = 0x36d76289;  ///< what a multiboot2 loader leaves in EAX

/// What the entry code found in its registers.
struct Handover {
    u32 magic = 0;   ///< which of the two structures it is
    Mpa info{};      ///< where that structure is
    Mpa image{};     ///< where the image was loaded
};

/// What was read from it, before anything is made of it. The texts lie where the loader put them.
struct LoaderFacts {
    static constexpr size_t max_ranges = 128;
    std::array<MemoryRange, max_ranges> ranges{};
    u16 range_count = 0;
    std::string_view command_line{};

    std::span<const MemoryRange> memory_map() const { return {ranges.data(), range_count}; }
    /// Notes a line of the map; lines beyond the limit are left out, which only loses memory.
    void add(const MemoryRange& range) {
        if (range_count < max_ranges)
            ranges[range_count++] = range;
    }
};

/// Reads the loader's structure into `raw` and `facts` (module, RSDP, screen, loader's name).
/// Everything in it is hostile until checked. Returns nullptr, or what is wrong, as the end of
/// a sentence.
const char* read_handover(const PhysicalMemory& memory, const Handover& handover, LoaderFacts& raw,
                          MachineFacts& facts);

/// A copy of the T at `address`, or XEN_EFAULT when it does not lie in `memory`.
template <class T>
Result<T> copy_at(const PhysicalMemory& memory, Mpa address) {
    if (!fits(address.value, sizeof(T), memory.size()))
        return Error{XEN_EFAULT};
    T copy;
    __builtin_memcpy(&copy, memory.at(address), sizeof copy);
    return copy;
}

/// Orders `raw` into `facts.memory_map`: ascending, whole pages, neighbours of one kind joined.
/// Where lines overlap, the less usable kind wins; a page that is usable only in part is not
/// usable.
/// XEN_ENOSPC when more than the map's 64 lines are left: the rest is then as if it were not there.
Result<> order_memory_map(std::span<const MemoryRange> raw, MachineFacts& facts);

/// Something in RAM that must be left alone.
struct Occupied {
    Mpa start{}, end{};
};

/// Calls visit(start, end) for each stretch of usable RAM outside of `occupied`, ascending.
template <class Visitor>
void for_each_free(std::span<const MemoryRange> map, std::span<const Occupied> occupied,
                   Visitor&& visit) {
    for (const MemoryRange& range : map) {
        if (!range.usable())
            continue;
        for (Mpa from = range.start; from < range.end();) {
            // The next obstacle at or above `from`, and the stretch before it
            Mpa stop = range.end(), resume = range.end();
            for (const Occupied& thing : occupied)
                if (thing.end > from && thing.start < stop) {
                    stop = thing.start < from ? from : thing.start;
                    resume = thing.end;
                }
            if (from < stop)
                visit(from, stop);
            from = resume;
        }
    }
}

/// The end of the highest usable RAM; 0 when there is none.
Mpa top_of_ram(std::span<const MemoryRange> map);
/// True when some of [start, start + bytes) is usable RAM.
bool overlaps_ram(std::span<const MemoryRange> map, Mpa start, u64 bytes);
/// Bytes of usable RAM.
u64 usable_bytes(std::span<const MemoryRange> map);

/// Reads processors (MADT), power-off, reset and the PM timer (FADT, and `_S5_` in the DSDT) into
/// `facts`. Starts at facts.rsdp, or scans the BIOS area when that is 0. Tables are hostile: each
/// is bounded by `memory` and checksummed before it is used; one that is wrong is as if it were
/// absent. `own_apic_id` is the boot pCPU's, which comes first in facts.apic_ids whatever the order
/// there.
/// XEN_ENOENT when there is no ACPI: then the boot pCPU is the only one known.
Result<> read_acpi(const PhysicalMemory& memory, u32 own_apic_id, MachineFacts& facts);

/// Looks for the package of `_S5_` in AML and reads its first two numbers. A scan, not an
/// interpreter: it believes only the plain form NameOp "_S5_" PackageOp. XEN_ENOENT when it is not
/// there.
Result<SleepTypes> find_soft_off(std::span<const u8> aml);

}  // namespace hv::boot

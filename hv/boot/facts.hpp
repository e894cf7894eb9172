// What the machine says about itself: memory map, processors, tables, the boot module.
#pragma once

#include <array>
#include <base/print.hpp>
#include <span>

namespace hv {

/// One line of the firmware's memory map.
struct MemoryRange {
    enum class Kind : u8 { usable = 1, reserved, acpi, acpi_nvs, bad };
    Mpa start{};
    u64 bytes = 0;
    Kind kind = Kind::reserved;
};

struct MachineFacts {
    std::array<MemoryRange, 64> memory_map{};
    u8 memory_ranges = 0;
    std::span<const MemoryRange> ranges() const { return {memory_map.data(), memory_ranges}; }

    Mpa image_start{}, image_end{};     ///< the hypervisor itself, page aligned
    Mpa module_start{};                 ///< the boot module; module_bytes is 0 when there is none
    u64 module_bytes = 0;
    Mpa host_tables{};                  ///< root of the hypervisor's own page tables, for CR3
    Mpa rsdp{};                         ///< ACPI's root pointer; 0 when nobody named it
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
    u16 sleep_type_a = 0, sleep_type_b = 0;  ///< _S5_
    bool has_sleep_type = false;
    u8 reset_value = 0;
    u16 reset_port = 0;                 ///< FADT's reset register, when in I/O space
    u16 pm_timer_port = 0;              ///< 0: none
    bool pm_timer_wide = false;         ///< it counts in 32 bits, not 24
    u16 smi_command_port = 0;           ///< where to write acpi_enable_value; 0: ACPI is on already
    u8 acpi_enable_value = 0;

    struct Framebuffer {                ///< linear, 32 bits a pixel; or VGA text when text is set
        Mpa address{};
        u32 width = 0, height = 0, pitch = 0;
        bool present = false, text = false;
    } framebuffer{};
};

}  // namespace hv

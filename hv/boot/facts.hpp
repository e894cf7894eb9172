// What the machine says about itself: memory map, processors, tables, the boot module.
#pragma once

#include <array>
#include <base/types.hpp>
#include <span>
#include <string_view>

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
    Mpa rsdp{};                         ///< ACPI's root pointer; 0 when nobody named it
    std::string_view loader{};          ///< "PVH" or "multiboot2"

    std::array<u32, 8> apic_ids{};      ///< of the enabled pCPUs, boot pCPU first
    u8 apic_count = 0;
    Mpa local_apic{0xfee00000};
    u16 pm1a_control = 0, pm1b_control = 0;  ///< I/O ports of the fixed hardware; 0: none
    u16 sleep_type_a = 0, sleep_type_b = 0;  ///< _S5_
    bool has_sleep_type = false;
    u8 reset_value = 0;
    u16 reset_port = 0;                 ///< FADT's reset register, when in I/O space
    u16 pm_timer_port = 0;              ///< 0: none

    struct Framebuffer {                ///< linear, 32 bits a pixel; or VGA text when text is set
        Mpa address{};
        u32 width = 0, height = 0, pitch = 0;
        bool present = false, text = false;
    } framebuffer{};
};

}  // namespace hv

// What the hypervisor tells of its own waking.
#pragma once

#include <base/trace.hpp>

namespace hv::boot {

// Each event: its number and name, its fields, its sentence, and the book's section
inline constexpr TraceEvent woken{Chapter::boot, 0, "woken", {"bytes", "start", "end"},
    "I run. I am {bytes} bytes, loaded from {start:x} to {end:x}.", "boot-entry"};

inline constexpr TraceEvent memory_found{
    Chapter::boot, 1, "memory_found", {"mebibytes", "lines", "top"},
    "The firmware's map has {lines} lines: {mebibytes} MiB of RAM, the last byte below {top:x}.",
    "boot-memory-map"};

inline constexpr TraceEvent memory_kept{
    Chapter::boot, 2, "memory_kept", {"kept", "free", "table_kib", "tables"},
    "I keep {kept} frames of 4 KiB: a table of all frames in {table_kib} KiB, {tables} page "
    "tables, stacks and myself. {free} frames are free.", "boot-frames"};

inline constexpr TraceEvent tables_switched{Chapter::boot, 3, "tables_switched", {"root"},
    "I walk my own page tables now, from {root:x}: what I may write I may not run.",
    "boot-host-tables"};

inline constexpr TraceEvent module_found{Chapter::boot, 4, "module_found", {"bytes", "start"},
    "A boot module of {bytes} bytes lies at {start:x}. I leave it for the first domain.",
    "boot-loader"};

inline constexpr TraceEvent firmware_read{
    Chapter::boot, 5, "firmware_read", {"processors", "root", "power", "reset"},
    "ACPI's root is at {root:x}. It names {processors} processors, and port {power:x} to power "
    "off.", "boot-acpi"};

inline constexpr TraceEvent powering_off{Chapter::boot, 6, "powering_off", {"milliseconds"},
    "Nothing above me is built yet. I power off, {milliseconds} ms after I set my clock.",
    "boot-power"};

inline constexpr TraceEvent clock_set{
    Chapter::boot, 7, "clock_set", {"kilohertz", "apic_kilohertz", "unix"},
    "My clock is the TSC: {kilohertz} kHz. The local APIC counts {apic_kilohertz} kHz. It is "
    "{unix} seconds since 1970.", "boot-clock"};

inline constexpr TraceEvent cpu_woken{Chapter::boot, 8, "cpu_woken", {"cpu", "apic", "skew"},
    "pCPU {cpu} is awake: APIC id {apic}, its TSC {skew} ticks from mine.", "boot-processors"};

inline constexpr TraceEvent tick_lost{Chapter::boot, 9, "tick_lost", {"cpu", "seconds"},
    "pCPU {cpu} has not ticked for {seconds} s. It runs with interrupts off, or not at all.",
    "boot-watchdog"};

inline constexpr TraceEvent engine_found{
    Chapter::boot, 10, "engine_found", {"svm", "tags", "order"},
    "I can keep {tags} guests' translations apart by tag, in pages of up to 2^{order} frames.",
    "boot-engines"};

inline constexpr const TraceEvent* events[] = {
    &woken, &memory_found, &memory_kept, &tables_switched, &module_found, &firmware_read,
    &powering_off, &clock_set, &cpu_woken, &tick_lost, &engine_found};

}  // namespace hv::boot

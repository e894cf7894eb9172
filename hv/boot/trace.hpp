// What the hypervisor tells of its own waking.
#pragma once

#include <base/trace.hpp>

namespace hv::boot {

inline constexpr TraceEvent woken{
    .chapter = Chapter::boot, .number = 0, .name = "woken",
    .fields = {"bytes", "start", "end"},
    .sentence = "I run. I am {bytes} bytes, loaded from {start:x} to {end:x}.",
    .section = "boot-entry"};

inline constexpr TraceEvent memory_found{
    .chapter = Chapter::boot, .number = 1, .name = "memory_found",
    .fields = {"mebibytes", "lines", "top"},
    .sentence = "The firmware's map has {lines} lines: {mebibytes} MiB of RAM, the last byte below "
                "{top:x}.",
    .section = "boot-memory-map"};

inline constexpr TraceEvent memory_kept{
    .chapter = Chapter::boot, .number = 2, .name = "memory_kept",
    .fields = {"kept", "free", "table_kib", "tables"},
    .sentence = "I keep {kept} frames of 4 KiB: a table of all frames in {table_kib} KiB, {tables} "
                "page tables, stacks and myself. {free} frames are free.",
    .section = "boot-frames"};

inline constexpr TraceEvent tables_switched{
    .chapter = Chapter::boot, .number = 3, .name = "tables_switched",
    .fields = {"root"},
    .sentence = "I walk my own page tables now, from {root:x}: what I may write I may not run.",
    .section = "boot-host-tables"};

inline constexpr TraceEvent module_found{
    .chapter = Chapter::boot, .number = 4, .name = "module_found",
    .fields = {"bytes", "start"},
    .sentence = "A boot module of {bytes} bytes lies at {start:x}. I leave it for "
                "the first domain.",
    .section = "boot-loader"};

inline constexpr TraceEvent firmware_read{
    .chapter = Chapter::boot, .number = 5, .name = "firmware_read",
    .fields = {"processors", "root", "power", "reset"},
    .sentence = "ACPI's root is at {root:x}. It names {processors} processors, and port {power:x} "
                "to "
                "power off.",
    .section = "boot-acpi"};

inline constexpr TraceEvent powering_off{
    .chapter = Chapter::boot, .number = 6, .name = "powering_off",
    .fields = {"milliseconds"},
    .sentence = "Nothing above me is built yet. I power off, {milliseconds} ms after I set my "
                "clock.",
    .section = "boot-power"};

inline constexpr TraceEvent clock_set{
    .chapter = Chapter::boot, .number = 7, .name = "clock_set",
    .fields = {"kilohertz", "apic_kilohertz", "unix"},
    .sentence = "My clock is the TSC: {kilohertz} kHz. The local APIC counts {apic_kilohertz} kHz. "
                "It is "
                "{unix} seconds since 1970.",
    .section = "boot-clock"};

inline constexpr TraceEvent cpu_woken{
    .chapter = Chapter::boot, .number = 8, .name = "cpu_woken",
    .fields = {"cpu", "apic", "skew"},
    .sentence = "pCPU {cpu} is awake: APIC id {apic}, its TSC {skew} ticks from mine.",
    .section = "boot-processors"};

inline constexpr TraceEvent tick_lost{
    .chapter = Chapter::boot, .number = 9, .name = "tick_lost",
    .fields = {"cpu", "seconds"},
    .sentence = "pCPU {cpu} has not ticked for {seconds} s. It runs with interrupts off, or not at "
                "all.",
    .section = "boot-watchdog"};

inline constexpr TraceEvent engine_found{
    .chapter = Chapter::boot, .number = 10, .name = "engine_found",
    .fields = {"svm", "tags", "order"},
    .sentence = "I can keep {tags} guests' translations apart by tag, in pages of up to 2^{order} "
                "frames.",
    .section = "boot-engines"};

inline constexpr const TraceEvent* events[] = {
    &woken, &memory_found, &memory_kept, &tables_switched, &module_found, &firmware_read,
    &powering_off, &clock_set, &cpu_woken, &tick_lost, &engine_found};

}  // namespace hv::boot

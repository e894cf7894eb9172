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
    .sentence = "A boot module of {bytes} bytes lies at {start:x}. I leave it for the first domain.",
    .section = "boot-loader"};

inline constexpr TraceEvent firmware_read{
    .chapter = Chapter::boot, .number = 5, .name = "firmware_read",
    .fields = {"processors", "root", "power", "reset"},
    .sentence = "ACPI's root is at {root:x}. It names {processors} processors, and port {power:x} to "
                "power off.",
    .section = "boot-acpi"};

inline constexpr TraceEvent powering_off{
    .chapter = Chapter::boot, .number = 6, .name = "powering_off",
    .fields = {"milliseconds"},
    .sentence = "Nothing above me is built yet. I power off after {milliseconds} ms.",
    .section = "boot-power"};

inline constexpr const TraceEvent* events[] = {
    &woken, &memory_found, &memory_kept, &tables_switched, &module_found, &firmware_read,
    &powering_off};

}  // namespace hv::boot

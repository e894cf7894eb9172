// What the hypervisor says of grants: each event of this chapter, with its sentence.
#pragma once

#include <base/trace.hpp>

namespace hv {

inline constexpr TraceEvent grant_table_shown{
    Chapter::grants, 0, "grant_table_shown", {"domain", "frame"},
    "d{domain} can now write promises: frame {frame} of its grant table is in its hands.", "table"};
inline constexpr TraceEvent grant_table_grown{
    Chapter::grants, 1, "grant_table_grown", {"domain", "frames"},
    "d{domain}'s grant table has {frames} frames now: room for 512 promises in each.", "table"};

inline constexpr const TraceEvent* grant_events[] = {&grant_table_shown, &grant_table_grown};

}  // namespace hv

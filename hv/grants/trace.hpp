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
inline constexpr TraceEvent grant_mapped{
    Chapter::grants, 2, "grant_mapped", {"domain", "owner", "ref"},
    "d{owner} promised d{domain} a page by its reference {ref}: I put it into d{domain}'s map.",
    "mapping", trace_promises};
inline constexpr TraceEvent grant_unmapped{
    Chapter::grants, 3, "grant_unmapped", {"domain", "owner", "ref"},
    "d{domain} gave back the page of d{owner}'s reference {ref}: no pCPU can reach it from there "
    "any more.", "unmapping", trace_promises};
inline constexpr TraceEvent grant_copied{
    Chapter::grants, 4, "grant_copied", {"domain", "bytes"},
    "I copied {bytes} bytes for d{domain}, from one promised page to another.",
    "copying", trace_promises};
inline constexpr TraceEvent grant_outlives{
    Chapter::grants, 5, "grant_outlives", {"domain", "holder", "ref", "count"},
    "d{domain} is dying, but d{holder} still has the page of its reference {ref}. I cannot let it "
    "go yet. Promises still held: {count}.", "lingering"};

inline constexpr const TraceEvent* grant_events[] = {&grant_table_shown, &grant_table_grown,
                                                     &grant_mapped,      &grant_unmapped,
                                                     &grant_copied,      &grant_outlives};

}  // namespace hv

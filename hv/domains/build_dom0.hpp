// How the first child is born: dom0, out of the boot module, with its memory mapped one to one.
#pragma once

#include <domains/domain.hpp>

namespace hv {

inline constexpr u64 dom0_start = 16 * MiB;        ///< where its RAM begins, inside and out
inline constexpr u64 dom0_least_memory = 16 * MiB;
inline constexpr u64 dom0_highest_end = 1 * GiB;   ///< above it sees other domains' pages

/// Makes dom0 from the file `dom0` of the boot module and lets it run: BootOptions::dom0_mebibytes
/// of RAM at 16 MiB, where gfn = mfn; the whole module, moved to its top, as its one PVH module.
/// Whatever is in the way is said in one line on the console. On the boot pCPU, once.
Result<> build_dom0(Machine& machine, Cpu& cpu);

}  // namespace hv

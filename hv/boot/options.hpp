// The command line: the options that exist, and what was asked for.
#pragma once

#include <base/print.hpp>

namespace hv {

/// What the person who booted the machine asked for.
struct BootOptions {
    u64 dom0_memory = 96 * MiB;  ///< dom0_mem=MiB
    u16 cpus = 8;                ///< cpus=N: how many pCPUs to bring up at most
    bool help = false;           ///< help: list the options
    bool panic = false;          ///< panic[=N]: break on purpose, to see what a panic says
    u16 panic_cpu = 0;           ///< the pCPU to break
};

/// Reads `line` into `options`. Each word that is no option is named on `sink`, with what would be
/// right, and ignored.
void read_options(BootOptions& options, std::string_view line, Sink& sink);
/// Lists every option with a sentence.
void list_options(Sink& sink);

}  // namespace hv

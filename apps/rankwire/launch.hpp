#pragma once

#include "command_line.hpp"

namespace launcher {

/// Starts the ranks, passes on their output and this process's signals, and returns the exit code
/// when all have ended. If a rank fails, the others get `grace` to end by themselves, then SIGTERM,
/// then SIGKILL. Throws rankwire::Error if not all ranks could be started; none of them is left
/// then.
[[nodiscard]] int launch(const Options& options);

}  // namespace launcher

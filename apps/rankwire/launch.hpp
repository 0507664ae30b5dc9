#pragma once

#include "command_line.hpp"

namespace launcher {

/// Starts the ranks, passes their output and this process's signals on, and returns the exit code
/// when all have ended. When one fails, the others get `grace` to end by themselves, then SIGTERM,
/// then SIGKILL. Throws rankwire::Error when not all could be started; none is left then.
[[nodiscard]] int launch(const Options& options);

}  // namespace launcher

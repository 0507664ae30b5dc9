#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "rankwire/run.hpp"

namespace rankwire {

/// What run_ranks does about ends of the process that are none of its ranks' returns.
struct Endings {
  bool launcher_ends_world = false;  ///< as in Backend
  bool guards_exit = true;           ///< see exit_guard.hpp
};

/// Calls `function` for each channel, on the calling thread when it is one, else a thread each, and
/// gives the exit code of the process: that of the first uncaught exception, else rank 0's, else
/// the first that is not 0. An uncaught exception ends the world. Then a rank's thread that does
/// not come back within `patience` is not waited for: the process ends here, output flushed.
[[nodiscard]] int run_ranks(std::vector<std::unique_ptr<Channel>> channels,
                            const RankFunction& function, std::chrono::milliseconds patience,
                            const Endings& endings = {});

/// Writes "rankwire: " and `text` to stderr as one line, whatever characters it has.
void say(std::string_view text);

}  // namespace rankwire

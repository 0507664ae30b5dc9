#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "rankwire/run.hpp"

namespace rankwire {

/// How run_ranks handles ends of the process other than a return of its ranks.
struct Endings {
  bool launcher_ends_world = false;  ///< see Backend
  bool guards_exit = true;           ///< see exit_guard.hpp
};

/// Calls `function` for each channel: on the calling thread if there is one channel, else each on a
/// thread of its own. Returns the exit code of the process: that of the first uncaught exception,
/// else rank 0's, else the first that is not 0. An uncaught exception ends the world. If the thread
/// of a rank does not return within `patience` after that, it is not waited for: the process ends
/// here, with its output flushed.
[[nodiscard]] int run_ranks(std::vector<std::unique_ptr<Channel>> channels,
                            const RankFunction& function, std::chrono::milliseconds patience,
                            const Endings& endings = {});

/// Writes "rankwire: " and `text` to stderr as one line, whatever characters `text` has.
void say(std::string_view text);

}  // namespace rankwire

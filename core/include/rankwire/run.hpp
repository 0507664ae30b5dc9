#pragma once

#include <functional>
#include <span>
#include <string>

#include "rankwire/backend/backend.hpp"
#include "rankwire/channel.hpp"

namespace CLI {
class App;
}

namespace rankwire {

/// What a program adds to the start that every program has.
struct Program {
  std::string description;  ///< first line of --help
  /// Adds the program's own options; each can then also be said as RANKWIRE_NAME in the environment
  /// and as a key of the configuration file, as the library's own can.
  std::function<void(CLI::App&)> options;
  bool takes_arrivals = false;  ///< clause 14: new processes may take the places of departed ranks
};

/// The function a rank runs; what it returns is the exit code of its process.
using RankFunction = std::function<int(Channel&)>;

/// Reads the configuration (command line, then RANKWIRE_* variables, then --config FILE, then
/// defaults), opens the world on the transport that it says, calls `function` once for each rank of
/// this process (a thread a rank in one process) and returns the exit code (ExitCode). An uncaught
/// exception ends the world (clause 11) with one line on stderr. Never throws.
///
/// Programs call the form of <rankwire/rankwire.hpp>, which knows the backends that were built.
[[nodiscard]] int run(int argc, char** argv, std::span<const Backend> backends,
                      const RankFunction& function, const Program& program);

}  // namespace rankwire

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

/// What run() does to its process, besides opening a world in it. A program that is a guest in its
/// process leaves out what is its host's affair.
struct ProcessChanges {
  /// SIGINT and SIGTERM end waits (catch_interrupts). A write into a closed pipe is an error of the
  /// write, and not the end of the process (SIGPIPE). The ends of processes that are started from
  /// here can be waited for, also where whoever started this one ignored SIGCHLD.
  bool signals = true;
  bool memory = true;       ///< malloc keeps large blocks that are freed (keep_freed_memory)
  bool descriptors = true;  ///< stdin, stdout, stderr: what is closed opens as /dev/null
  /// exit(0), or quick_exit, while ranks run says so on stderr and ends the process with
  /// ExitCode::peer (not over MPI, whose launcher sees to it).
  bool exit = true;
  bool log_level = true;  ///< the level of the library's logger becomes that of --log-level
};

/// What a program adds to the start that every program has.
struct Program {
  std::string description;  ///< first line of --help
  /// Adds the program's own options; each can then also be said as RANKWIRE_NAME in the environment
  /// and as a key of the configuration file, as the library's own can.
  std::function<void(CLI::App&)> options;
  bool takes_arrivals = false;  ///< clause 14: new processes may take the places of departed ranks
  ProcessChanges changes{};     ///< what run() may do to the process
};

/// The function a rank runs; what it returns is the exit code of its process.
using RankFunction = std::function<int(Channel&)>;

/// Reads the configuration (command line, then RANKWIRE_* variables, then --config FILE, then
/// defaults), opens the world on the transport that it says, calls `function` once for each rank of
/// this process (a thread a rank in one process) and returns the exit code (ExitCode). An uncaught
/// exception ends the world (clause 11) with one line on stderr. Never throws.
///
/// It changes how the process takes signals, keeps memory and ends, as ProcessChanges says, and
/// does not change it back. At the end it flushes stdout, and what could not be written is a
/// failure. A program that wants none of this opens its world by open() (world.hpp).
///
/// Programs call the form of <rankwire/rankwire.hpp>, which knows the backends that were built.
[[nodiscard]] int run(int argc, char** argv, std::span<const Backend> backends,
                      const RankFunction& function, const Program& program);

}  // namespace rankwire

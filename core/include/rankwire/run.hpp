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

/// What run() changes in its process, besides opening a world. A program that is a guest in its
/// process leaves out what is the host's concern.
struct ProcessChanges {
  /// SIGINT and SIGTERM end waits (catch_interrupts). A write into a closed pipe becomes an error
  /// instead of the end of the process (SIGPIPE). If the parent of this process ignored SIGCHLD,
  /// the signal is reset to its default, so that waitpid works.
  bool signals = true;
  bool memory = true;       ///< malloc keeps large blocks that are freed (keep_freed_memory)
  bool descriptors = true;  ///< a closed stdin, stdout or stderr becomes /dev/null
  /// If the program calls exit(0) or quick_exit while ranks run, a line goes to stderr and the
  /// process ends with ExitCode::peer. (Not over MPI, where the launcher handles this.)
  bool exit = true;
  bool log_level = true;  ///< the level of the library's logger becomes that of --log-level
};

/// What a program adds to the start that all programs have in common.
struct Program {
  std::string description;  ///< the first line of --help
  /// Adds the program's own options. Like the library's, each can also be given as the variable
  /// RANKWIRE_NAME and as a key of the configuration file.
  std::function<void(CLI::App&)> options;
  bool takes_arrivals = false;  ///< clause 14: new processes may take the places of departed ranks
  ProcessChanges changes{};     ///< what run() may do to the process
};

/// The function that each rank runs. Its result is the exit code of the process.
using RankFunction = std::function<int(Channel&)>;

/// Starts a program: reads the configuration (command line, then RANKWIRE_* variables, then
/// --config FILE, then defaults), opens the world on the chosen transport, and calls `function`
/// once for each rank of this process, each in a thread of its own if there are several. Returns
/// the exit code (ExitCode). An uncaught exception ends the world (clause 11), with one line on
/// stderr. Never throws.
///
/// It changes how the process handles signals, keeps memory and ends, as ProcessChanges says, and
/// does not change that back. At the end it flushes stdout; output that cannot be written is a
/// failure. A program that wants none of this opens its world by open() (world.hpp).
///
/// Programs call the form in <rankwire/rankwire.hpp>, which knows the backends that were built.
[[nodiscard]] int run(int argc, char** argv, std::span<const Backend> backends,
                      const RankFunction& function, const Program& program);

}  // namespace rankwire

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace comparison {

/// What this process starts, and how it is to end.
struct Command {
  std::vector<std::string> arguments;  ///< the program first, looked for in PATH as a shell does
  std::vector<std::string> environment{};  ///< "NAME=value", added to this process's own
  std::chrono::seconds patience{60};       ///< a process that has not ended by then is ended
  bool shows_progress = false;             ///< its stderr is passed on, line by line
};

struct Ended {
  bool started = true;  ///< false: there is no such program
  bool well = false;    ///< with exit code 0, in time
  double seconds = 0;   ///< from its start to its end
  std::string why{};    ///< it did not end well: one line
};

/// Runs `command` to its end. Its stdin is empty, and its stdout thrown away. Throws
/// rankwire::Interrupted when this process is to end, and then, as at the end of its patience, ends
/// the other: politely first, so that a launcher ends its ranks. Throws rankwire::Error when the
/// system lets no process start.
[[nodiscard]] Ended run_process(const Command& command);

/// Runs `command` (the program and its arguments) to its end; gives the seconds. Nothing when there
/// is no such program. Throws rankwire::Error when it does not end well, within a minute.
[[nodiscard]] std::optional<double> time_process(const std::vector<std::string>& command,
                                                 const std::vector<std::string>& environment = {});

/// The program `name` that was built beside this one; empty when it was not.
[[nodiscard]] std::string program_beside(const char* name);

}  // namespace comparison

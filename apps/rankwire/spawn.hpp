#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace launcher {

/// A process that was started, and the ends of its pipes that are read here. The caller closes
/// them.
struct Child {
  pid_t pid = 0;
  int out = -1;
  int err = -1;
};

/// Starts `program`, which is looked for in PATH as a shell does. The process dies with this one,
/// and starts with all signals at their defaults. `reads_stdin`: it shares this process's stdin;
/// otherwise it gets /dev/null. Throws rankwire::UsageError if the program cannot be started, and
/// rankwire::TransportError if the system refuses pipes or processes; its text says what `ranks` of
/// them need.
[[nodiscard]] Child spawn(const std::vector<std::string>& program,
                          const std::vector<std::string>& environment, bool reads_stdin, int ranks);

}  // namespace launcher

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace launcher {

/// A process that was started, and the ends of its pipes that are read here; the caller closes
/// them.
struct Child {
  pid_t pid = 0;
  int out = -1;
  int err = -1;
};

/// Starts `program` (looked for in PATH as a shell does). It dies with this process and starts with
/// every signal as usual. `reads_stdin`: it shares this process's stdin, else it has /dev/null.
/// Throws rankwire::UsageError when the program cannot be started, rankwire::TransportError when
/// the system refuses pipes or processes; that text says what `ranks` of them need.
[[nodiscard]] Child spawn(const std::vector<std::string>& program,
                          const std::vector<std::string>& environment, bool reads_stdin, int ranks);

}  // namespace launcher

#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "keygen.hpp"

namespace launcher {

/// What `rankwire launch` was asked for.
struct Options {
  int ranks = 4;
  std::string over = "tcp";  ///< or "ipc"
  int port = 0;              ///< over tcp; 0: any free one
  std::chrono::microseconds grace = std::chrono::seconds{5};
  bool tag_output = false;
  std::vector<std::string> program;  ///< and its arguments
};

/// The command line ends here: print `text` and exit with `code`.
struct Answer {
  std::string text;
  int code = 0;
};

[[nodiscard]] std::variant<Options, Keygen, Answer> read_command_line(int argc, char** argv);

}  // namespace launcher

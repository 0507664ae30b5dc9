#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "keygen.hpp"

namespace launcher {

/// The options of `rankwire launch`.
struct Options {
  int ranks = 4;
  std::string over = "tcp";  ///< "tcp" or "ipc"
  int port = 0;              ///< only over tcp; 0: any free one
  std::chrono::microseconds grace = std::chrono::seconds{5};
  bool tag_output = false;
  std::vector<std::string> program;  ///< the program and its arguments
};

/// There is nothing to launch: print `text` and exit with `code`.
struct Answer {
  std::string text;
  int code = 0;
};

[[nodiscard]] std::variant<Options, Keygen, Answer> read_command_line(int argc, char** argv);

}  // namespace launcher

#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace launcher {

/// This process's variables, with how `rank` meets the others said anew.
[[nodiscard]] std::vector<std::string> environment_of(int rank, const Options& options,
                                                      const std::string& meeting,
                                                      const std::string& job);

}  // namespace launcher

#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace launcher {

/// The variables for `rank`: those of this process, with new ones for how the rank meets the
/// others.
[[nodiscard]] std::vector<std::string> environment_of(int rank, const Options& options,
                                                      const std::string& meeting,
                                                      const std::string& job);

}  // namespace launcher

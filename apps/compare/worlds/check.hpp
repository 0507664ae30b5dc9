#pragma once

#include <string>
#include <vector>

#include "request/options.hpp"

namespace comparison {

/// Measures what rankwire promises of its speed, and prints a line for each promise. Gives the exit
/// code: 1 when one is not kept, or could not be looked at.
[[nodiscard]] int check_promises(const Options& options, const std::vector<std::string>& passed_on);

}  // namespace comparison

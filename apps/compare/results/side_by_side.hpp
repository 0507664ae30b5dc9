#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// The table of `compare --from a.json b.json`, at most 100 columns wide: what rankwire's figures
/// are in two runs, the ratio, and what only one has. Throws rankwire::UsageError unless there are
/// two runs and a name for each.
[[nodiscard]] std::string side_by_side(const std::vector<Results>& runs,
                                       const std::vector<std::string>& names);

}  // namespace comparison

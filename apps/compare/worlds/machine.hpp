#pragma once

#include <string>
#include <vector>

#include "request/options.hpp"
#include "results/results.hpp"

namespace comparison {

struct MachineRun {
  Results results;
  bool ended_well = true;  ///< all worlds that were started did
};

/// Measures every transport of this machine that `options` want, in worlds that it starts one after
/// the other. `passed_on`: arguments that each world gets. Progress on stderr.
[[nodiscard]] MachineRun measure_machine(const Options& options,
                                         const std::vector<std::string>& passed_on);

}  // namespace comparison

#pragma once

#include "results/results.hpp"

namespace comparison {

/// Why inproc has no bandwidth.
[[nodiscard]] Named no_inproc_bandwidth();

/// Takes out of an earlier run what this version does not measure for that reason.
void leave_out_inproc_bandwidth(Results& run);

}  // namespace comparison

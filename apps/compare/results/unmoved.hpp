#pragma once

#include "results/results.hpp"

namespace comparison {

/// Why inproc has no bandwidth.
[[nodiscard]] Named unmoved();

/// Takes out of an earlier run what this version does not measure for that reason.
void leave_out_unmoved(Results& run);

}  // namespace comparison

#pragma once

#include <vector>

#include "results.hpp"

namespace comparison {

/// The middle one; the mean of the two in the middle of an even number. Not of none.
[[nodiscard]] double median(std::vector<double> values);

/// Of at least one sample.
[[nodiscard]] Summary summary_of(std::vector<double> samples);

/// Of ours over theirs, pair by pair.
[[nodiscard]] Ratio ratio_of(const std::vector<double>& ours, const std::vector<double>& theirs);

}  // namespace comparison

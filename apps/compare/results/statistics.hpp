#pragma once

#include <vector>

#include "results/results.hpp"

namespace comparison {

/// The middle one; the mean of the two in the middle of an even number. Not of none.
[[nodiscard]] double median(std::vector<double> values);

/// Of at least one sample.
[[nodiscard]] Summary summary_of(std::vector<double> samples);

/// Of ours over theirs, pair by pair.
[[nodiscard]] Ratio ratio_of(const std::vector<double>& ours, const std::vector<double>& theirs);

/// Of at least one world, where several measured the same figures in the same order: of each figure
/// and ratio the median of theirs. All else is the first one's.
[[nodiscard]] Results median_of_worlds(const std::vector<Results>& worlds);

}  // namespace comparison

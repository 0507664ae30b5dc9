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

/// What several worlds found that measured the same, each at least one figure: of every figure and
/// ratio the median of theirs. Rests that are no figure are those of the first.
[[nodiscard]] Results median_of_worlds(const std::vector<Results>& worlds);

}  // namespace comparison

#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// Of one figure's pairs, the largest ratio may be so many times the smallest. Where they lie
/// further apart, something else has weighed more than what was to be measured, and no result is
/// drawn from them. Two cores that share a cache at one time and not at another are a factor of
/// four.
inline constexpr double pairs_apart_max = 5;

/// Whether the pairs of rankwire and the bare library contradict each other; not, where there are
/// none.
[[nodiscard]] bool is_uncertain(const Figure& figure);

/// "1.50x to 7688x, mpi-shm at 113 B": rankwire over the bare library, of an uncertain figure.
[[nodiscard]] std::string pairs_text(const Figure& figure);

/// The one whose pairs lie furthest apart, of some.
[[nodiscard]] const Figure* least_certain(const std::vector<const Figure*>& figures);

}  // namespace comparison

#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace comparison {

/// Statements, the most wanted first: each has its gist (name) and the figures that it rests on
/// (text).
using Answer = std::vector<Named>;

/// What the figures of a run say to someone who must choose a transport. Each statement is drawn
/// from figures that the run has; where it has none, the statement is missing.
[[nodiscard]] Answer answer(const Results& run);

/// The same of two runs: how many figures changed, and which changed most.
[[nodiscard]] Answer answer(const Results& first, const std::string& first_name,
                            const Results& second, const std::string& second_name);

}  // namespace comparison

#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// What is said, what it rests on, and the figures where they are many: rows of cells, the first of
/// which are headings.
struct Statement {
  std::string gist, text;
  std::vector<std::vector<std::string>> table{};
};

/// The most wanted first.
using Answer = std::vector<Statement>;

/// What the figures of a run say to someone who must choose a transport. Each statement is drawn
/// from figures that the run has; where it has none, the statement is missing.
[[nodiscard]] Answer answer(const Results& run);

/// The same of two runs: how many figures changed, and which changed most.
[[nodiscard]] Answer answer(const Results& first, const std::string& first_name,
                            const Results& second, const std::string& second_name);

}  // namespace comparison

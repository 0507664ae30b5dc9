#pragma once

#include <string>

#include "results/results.hpp"

namespace comparison {

/// The results as a table for a terminal, at most 100 columns wide.
[[nodiscard]] std::string table_of(const Results& results);

}  // namespace comparison

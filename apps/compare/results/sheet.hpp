#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// Two columns of figures and their ratio: what the report's plots and the table of two runs are
/// drawn from. Of one run: rankwire and the bare library. Of two: rankwire in the one and the
/// other.
struct Sheet {
  struct Line {
    Figure figure;  ///< what was measured; of two runs, the first that has it
    std::optional<Summary> first, second;
    std::optional<double> ratio;  ///< of one run first over second, of two second over first
  };

  std::string first_name, second_name;
  bool two_runs = false;
  std::vector<Line> lines;

  /// Those of this measure, in their order.
  [[nodiscard]] std::vector<Line> of(const std::string& measure) const;
};

[[nodiscard]] Sheet sheet_of(const Results& run);

/// Figures of the same measure, transport, size and number of ranks become one line. The lines of
/// the first run come first, then those that only the second has.
[[nodiscard]] Sheet sheet_of(const Results& first, const std::string& first_name,
                             const Results& second, const std::string& second_name);

/// What a line of two runs shows: "better", "worse", "alike" (within 10 %), "only a", "only b".
/// By the medians alone: whoever wants more looks at the spread.
[[nodiscard]] std::string verdict(const Sheet::Line& line);

/// What differs between the runs besides their figures, and may be why: "cpu: X and Y".
[[nodiscard]] std::vector<std::string> differences(const Results& first, const Results& second);

}  // namespace comparison

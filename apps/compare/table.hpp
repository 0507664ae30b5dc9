#pragma once

#include <string>

#include "statistics.hpp"

namespace comparison {

/// A line of the table; what does not apply is "-".
struct Row {
  std::string what, ours;
  std::string raw = "-", ratio = "-", spread = "-", bar = "-";
};

/// Names the columns; `subject` is what the lines before them say of the measure.
void print_heading(const std::string& subject);

/// Written at once, so that a reader sees each measure when it is there. Fits 100 columns.
void print(const Row& row);

/// The row of a measure with a baseline; `text` writes a figure with its unit.
[[nodiscard]] Row row_of(const std::string& what, const Pairs& pairs, std::string (*text)(double),
                         const std::string& bar);

/// What is going on, on stderr.
void progress(const std::string& line);

[[nodiscard]] std::string microseconds(double seconds);  ///< "0.35 us"
[[nodiscard]] std::string milliseconds(double seconds);  ///< "41.2 ms"

}  // namespace comparison

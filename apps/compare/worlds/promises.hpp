#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// A promise, and what was measured.
struct Bar {
  std::string name;
  std::string bar;       ///< "<= 1.25"
  std::string measured;  ///< "1.18 (1.07 to 1.31)"
  bool holds = false;
};

// Each makes the bars of what one world has found. Figures that are not there make a bar that does
// not hold.

[[nodiscard]] std::vector<Bar> mpi_bars(const Results& found, const std::string& transport);
/// What Boost.MPI is held against, where it was built in.
[[nodiscard]] std::vector<Bar> boost_bars(const Results& found, const std::string& transport);
[[nodiscard]] std::vector<Bar> zmq_bars(const Results& found, const std::string& transport);
[[nodiscard]] std::vector<Bar> spinning_bars(const Results& found);
[[nodiscard]] std::vector<Bar> sleeping_bars(const Results& found);
/// What every transport promises.
[[nodiscard]] std::vector<Bar> common_bars(const Results& found, const std::string& transport);

}  // namespace comparison

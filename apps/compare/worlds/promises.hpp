#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// What rankwire promises of its speed, and what was measured.
struct Promise {
  std::string name;
  std::string limit;     ///< "<= 1.25"
  std::string measured;  ///< "1.18 (1.07 to 1.31)"
  bool kept = false;
};

// Each looks at what one world has found. A promise whose figures are missing is not kept.

[[nodiscard]] std::vector<Promise> mpi_promises(const Results& found, const std::string& transport);
/// What Boost.MPI is held against, where it was built in.
[[nodiscard]] std::vector<Promise> boost_promises(const Results& found,
                                                  const std::string& transport);
[[nodiscard]] std::vector<Promise> zmq_promises(const Results& found, const std::string& transport);
[[nodiscard]] std::vector<Promise> spinning_promises(const Results& found);
[[nodiscard]] std::vector<Promise> sleeping_promises(const Results& found);
/// What every transport promises.
[[nodiscard]] std::vector<Promise> common_promises(const Results& found,
                                                   const std::string& transport);

}  // namespace comparison

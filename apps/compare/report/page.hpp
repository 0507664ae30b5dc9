#pragma once

#include <string>
#include <vector>

#include "results/results.hpp"

namespace comparison {

/// Throws rankwire::UsageError when there is no gnuplot to draw a report's plots: to be said before
/// minutes are spent on measuring. Starts a process.
void check_report();

/// Writes the results to `path` as one HTML page that needs nothing else: an answer in words, plots
/// (drawn by gnuplot), tables, the machine, and how to repeat it. Throws rankwire::UsageError when
/// there is no gnuplot, or the file cannot be written.
void write_report(const Results& run, const std::string& path);

/// The same of `compare --from`: of one run, or of two beside each other, named by `names`.
void write_report(const std::vector<Results>& runs, const std::vector<std::string>& names,
                  const std::string& path);

}  // namespace comparison

#pragma once

#include <string>
#include <vector>

#include "request/plan.hpp"

namespace CLI {
class App;
}

namespace comparison {

struct Options {
  std::vector<std::string> measures;  ///< empty: all; "crowd" stands alone
  std::vector<std::string> over;      ///< transports; empty: all
  bool quick = false, thorough = false, check = false;
  std::string json, report;       ///< files to write
  std::vector<std::string> from;  ///< files to read instead of measuring

  // Said by compare to a world that it has started.
  std::vector<std::string> only;  ///< measures, instead of those above
  std::string hand_to;            ///< file that gets the results, instead of a table

  [[nodiscard]] Length length() const;
  /// Whether `measure` is to be made.
  [[nodiscard]] bool wants(const std::string& measure) const;
  [[nodiscard]] bool wants_transport(const std::string& transport) const;
};

/// Declares them on `app`; `options` is written when they are read.
void add_options(CLI::App& app, Options& options);

/// Throws rankwire::UsageError for what contradicts itself.
void check_options(const Options& options);

/// The arguments that are not options of this program itself, as they were said: those of every
/// rankwire program, and names of measures.
[[nodiscard]] std::vector<std::string> other_arguments(int argc, char** argv);

/// Whether the user has said which world is to be measured: by --transport, -n or their variables,
/// by a launcher, or by --listen or --join.
[[nodiscard]] bool names_a_world(int argc, char** argv);

}  // namespace comparison

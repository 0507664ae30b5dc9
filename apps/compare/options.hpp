#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace comparison {

struct Options {
  std::string measure;  ///< "pingpong", "idle", "startup", "crowd"
  std::optional<double> seconds;
  int pairs = 9;  ///< rounds of rankwire, each beside one of its baseline
};

/// Declares them on `app`; `options` is written when they are read.
void add_options(CLI::App& app, Options& options);

}  // namespace comparison

#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace product {

/// A rank that is told to fail, and how.
struct Fail {
  enum class Kind { crash, hang, leave };
  int rank = 0;
  Kind kind = Kind::crash;
};

struct Options {
  std::string format = "text";                       ///< "text" or "json"
  std::optional<std::chrono::microseconds> timeout;  ///< longest wait for one worker's result
  std::optional<Fail> fail;
};

/// Declares them on `app`; `options` is written when they are read.
void add_options(CLI::App& app, Options& options);

}  // namespace product

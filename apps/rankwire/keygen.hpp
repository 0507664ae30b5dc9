#pragma once

#include <string>

namespace launcher {

/// The options of `rankwire keygen`.
struct Keygen {
  std::string name;
  std::string directory = ".";
};

/// Makes the two files, and writes to stdout what to do with each. Throws rankwire::UsageError.
[[nodiscard]] int keygen(const Keygen& asked);

}  // namespace launcher

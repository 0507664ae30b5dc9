#pragma once

#include <string>

namespace launcher {

/// What `rankwire keygen` was asked for.
struct Keygen {
  std::string name;
  std::string directory = ".";
};

/// Makes the two files and says on stdout what to do with each. Throws rankwire::UsageError.
[[nodiscard]] int keygen(const Keygen& asked);

}  // namespace launcher

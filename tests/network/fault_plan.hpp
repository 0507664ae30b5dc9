#pragma once

#include <string>

#include "fault_world.hpp"

namespace network {

/// A world, its network and what its ranks do, all from one seed: 2 to 4 ranks, with keys or
/// without, messages of one of all sizes, faults of the links to the master and, of most worlds, of
/// those among workers too, and ranks that compute meanwhile, at times for longer than the silence
/// that ends a connection, or than the grace.
struct Plan {
  std::uint64_t seed = 0;
  Broken world;
  Exchange how;

  /// One in ten ends with an outage that no rank has to survive.
  [[nodiscard]] bool ends_badly() const { return seed % 10 == 5; }
  /// Some lines: all of it.
  [[nodiscard]] std::string text() const;
};

/// The same for the same seed, on every machine.
[[nodiscard]] Plan make_plan(std::uint64_t seed);

}  // namespace network

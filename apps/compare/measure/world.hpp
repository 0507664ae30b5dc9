#pragma once

#include <rankwire/channel.hpp>

#include "request/options.hpp"
#include "results/results.hpp"

namespace comparison {

/// Measures the world in which this rank is: what `options` want and a world can tell of itself.
/// Every rank calls it; rank 0 gets the results, the others empty ones. Throws rankwire::Error when
/// data came damaged, rankwire::UsageError when the world is too small.
[[nodiscard]] Results measure_world(rankwire::Channel& world, const Options& options);

}  // namespace comparison

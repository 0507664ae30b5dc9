#pragma once

#include <rankwire/rankwire.hpp>

#include "options.hpp"

namespace product {

/// Receives from worker 1, 2, ... in turn and prints each result as it comes. When a worker is gone
/// or late it goes on with the others, then throws what was wrong with the first of those.
void master(rankwire::Channel& world, const Options& options);

}  // namespace product

#pragma once

#include <rankwire/rankwire.hpp>

#include "options.hpp"

namespace comparison {

/// Half a round trip between ranks 0 and 1, over the channel and over its baseline in turn; rank 0
/// prints. Further ranks wait meanwhile. Throws rankwire::Error when data came damaged.
void pingpong(rankwire::Channel& world, const Options& options);

}  // namespace comparison

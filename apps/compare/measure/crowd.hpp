#pragma once

#include <rankwire/channel.hpp>

namespace comparison {

/// A world of many ranks on one machine, as the master sees it: how long it took to come together,
/// what a rank costs it in memory, and a message in time. Needs processes; throws UsageError for
/// ranks that are threads.
void crowd(rankwire::Channel& world);

}  // namespace comparison

#pragma once

#include <rankwire/rankwire.hpp>

#include "options.hpp"

namespace comparison {

/// The CPU time that each process spends while its ranks wait in a receive; rank 0 prints.
void idle(rankwire::Channel& world, const Options& options);

}  // namespace comparison

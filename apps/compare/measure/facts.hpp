#pragma once

#include <rankwire/channel.hpp>

#include "request/options.hpp"
#include "results/results.hpp"

namespace comparison {

/// All of a Results but its figures, for the world of `world`.
[[nodiscard]] Results facts_of(const rankwire::Channel& world, const Options& options);

/// The same of this machine, before any world is measured.
[[nodiscard]] Results facts_of_machine(const Options& options);

/// How this program was called, as one would type it.
void remember_command(int argc, char** argv);

}  // namespace comparison

#pragma once

#include <rankwire/rankwire.hpp>

#include "options.hpp"

namespace comparison {

/// Whole programs from start to end: product under mpiexec beside a program that does nothing but
/// initialize MPI, and product on its own. Rank 0 starts them, one after the other, and prints.
void startup(rankwire::Channel& world, const Options& options);

}  // namespace comparison

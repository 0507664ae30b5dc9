#pragma once

#include <string>

#include "request/plan.hpp"
#include "results/results.hpp"
#include "worlds/worlds.hpp"

namespace comparison {

/// Adds how long whole worlds over `transport` take whose ranks do nothing, from the start of the
/// first process to the end of the last; over MPI beside a program that initializes MPI and ends.
void measure_start_time(Worlds& worlds, const Plan& plan, const std::string& transport,
                        Results& results);

}  // namespace comparison

#pragma once

#include <mpi.h>

#include "reach.hpp"

namespace rankwire::mpi {

/// Collective over `comm`. `host` has the ranks of `comm` that are on this host.
[[nodiscard]] Reach reach_of(MPI_Comm comm, MPI_Comm host);

}  // namespace rankwire::mpi

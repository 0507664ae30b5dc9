#pragma once

#include <mpi.h>

#include "rankwire/backend/wait_policy.hpp"

namespace rankwire::mpi {

/// The ranks of `host`, which has all ranks on this host, and the cores that they have together.
/// (One rank's own cores are not enough: launchers bind each rank to a core.) Collective over
/// `host`.
[[nodiscard]] Crowd crowd_of(MPI_Comm host);

}  // namespace rankwire::mpi

#pragma once

#include <mpi.h>

#include "rankwire/backend/wait_policy.hpp"

namespace rankwire::mpi {

/// The ranks of `host`, all of this host, and the cores that they have between them. (One rank's
/// own would not do: launchers bind each to a core.) Collective over `host`.
[[nodiscard]] Crowd crowd_of(MPI_Comm host);

}  // namespace rankwire::mpi

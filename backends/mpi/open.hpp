#pragma once

#include <memory>
#include <vector>

#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire::mpi {

/// The `open` of the Backend mpi (see Backend::open). Initializes MPI if the program has not done
/// so. Returns one channel, for the rank of this process.
[[nodiscard]] std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings);

}  // namespace rankwire::mpi

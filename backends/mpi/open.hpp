#pragma once

#include <memory>
#include <vector>

#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire::mpi {

/// Backend::open: enters MPI, if nobody has, and gives this process's rank.
[[nodiscard]] std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings);

}  // namespace rankwire::mpi

#pragma once

#include <mpi.h>

#include <cstddef>
#include <vector>

namespace rankwire::mpi {

/// What MPI sends to each rank at once, without asking the receiver first.
///
/// MPI does not say: its tool interface does, and takes 0.2 s to begin, as long as half a
/// MPI_Init. So these are the limits that Open MPI has unless it is told otherwise, less its own
/// headers: 4 KiB in shared memory, 64 KiB over TCP. Where one is in truth lower, what is above it
/// waits for its receiver to look, and a sender that dies before that blocks a slot there.
struct Reach {
  std::vector<std::size_t> eager_bytes;  ///< by rank
  std::size_t slot_bytes = 0;            ///< the most of these

  [[nodiscard]] bool shares_memory(int rank) const {
    return eager_bytes[static_cast<std::size_t>(rank)] == near_bytes;
  }
  static constexpr std::size_t near_bytes = 4000, far_bytes = 65'440;
};

/// Collective over `comm`; `host` are the ranks of it on this host.
[[nodiscard]] Reach reach_of(MPI_Comm comm, MPI_Comm host);

}  // namespace rankwire::mpi

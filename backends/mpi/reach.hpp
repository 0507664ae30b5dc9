#pragma once

#include <cstddef>
#include <vector>

namespace rankwire::mpi {

/// How many bytes MPI sends to each rank at once, without asking the receiver first.
///
/// MPI does not say: its tool interface does, but takes 0.2 s to start, half as long as MPI_Init.
/// So these are the default limits of Open MPI, less its own headers: 4 KiB in shared memory, 64
/// KiB over TCP. If a limit is lower in truth, a message above it waits until its receiver looks;
/// and a sender that dies before that blocks a slot there.
struct Reach {
  std::vector<std::size_t> eager_bytes;  ///< by rank
  std::size_t slot_bytes = 0;            ///< the largest of these

  [[nodiscard]] bool shares_memory(int rank) const {
    return eager_bytes[static_cast<std::size_t>(rank)] == near_bytes;
  }
  static constexpr std::size_t near_bytes = 4000, far_bytes = 65'440;
};

}  // namespace rankwire::mpi

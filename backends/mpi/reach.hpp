#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace rankwire::mpi {

/// What is known of the way to each rank.
struct Reach {
  std::vector<bool> near;  ///< by rank: whether it is on this host
  /// How many bytes MPI sends at once to a rank of this host, and to another, without asking the
  /// receiver first. If a limit were lower in truth, a message above it would wait until its
  /// receiver looks; and a sender that dies before that would block a slot there.
  std::size_t near_bytes = 0, far_bytes = 0;
  bool shared = false;  ///< whether the ranks of this host share memory

  [[nodiscard]] int size() const { return static_cast<int>(near.size()); }
  [[nodiscard]] std::size_t eager_bytes(int rank) const {
    return near[static_cast<std::size_t>(rank)] ? near_bytes : far_bytes;
  }
  [[nodiscard]] bool shares_memory(int rank) const {
    return shared && near[static_cast<std::size_t>(rank)];
  }
  /// What a slot must have room for: it takes messages of any rank.
  [[nodiscard]] std::size_t slot_bytes() const { return std::max(near_bytes, far_bytes); }
};

}  // namespace rankwire::mpi

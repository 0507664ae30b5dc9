#pragma once

#include <algorithm>

namespace rankwire::zmq_wire {

/// In worlds, and on hosts, of fewer than twice so many ranks nothing is put off.
inline constexpr int ranks_few = 24;

/// How many times longer than elsewhere things may take on a host of so many ranks, up to `most`.
/// If all of them dial all at once, its cores are shared by so many that every answer is late.
[[nodiscard]] constexpr int times_longer(int host_ranks, int most) {
  return std::clamp(host_ranks / ranks_few, 1, most);
}
/// The same, where it is about who is silent, gone or late for good.
[[nodiscard]] constexpr int patience_of(int host_ranks) {
  return times_longer(host_ranks, 5);
}

}  // namespace rankwire::zmq_wire

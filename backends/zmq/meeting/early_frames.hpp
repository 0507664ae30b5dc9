#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// What other workers say to one that has not been started yet: their start came earlier. It is
/// kept until the worker knows the token of its world, by which the channel tells them from
/// strangers. Bounded for each caller and for all; what finds no room is sent again.
class EarlyFrames {
 public:
  /// Keeps a frame of a caller, or takes note that the caller has gone. `ranks` is the size of the
  /// world, 0 where it is not known; `window_bytes` is what a rank may send without an answer.
  void keep(Incoming&& incoming, Wire& wire, int ranks, std::uint64_t window_bytes);

  /// Whether there was more than could be kept.
  [[nodiscard]] bool dropped() const { return dropped_; }
  /// In the order in which they came.
  [[nodiscard]] std::vector<Incoming> take() { return std::exchange(frames_, {}); }

 private:
  void forget(ConnectionId caller);

  std::vector<Incoming> frames_;
  std::unordered_map<ConnectionId, std::uint64_t> bytes_;  // that wait, by caller
  std::uint64_t all_bytes_ = 0;
  bool dropped_ = false;
};

}  // namespace rankwire::zmq_wire

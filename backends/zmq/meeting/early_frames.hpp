#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Frames of other workers, which were started earlier than this one. They are kept until this
/// worker knows the token of its world, by which the channel recognises strangers. They are bounded
/// for each caller and for all; a frame that finds no room is sent again.
class EarlyFrames {
 public:
  /// Keeps a frame of a caller, or notes that the caller has gone. `ranks` is the size of the
  /// world, or 0 if it is not known. `window_bytes` is how much a rank may send without an answer.
  void keep(Incoming&& incoming, Wire& wire, int ranks, std::uint64_t window_bytes);

  /// Whether more came than could be kept.
  [[nodiscard]] bool dropped() const { return dropped_; }
  /// Removes and returns the frames, in the order in which they came.
  [[nodiscard]] std::vector<Incoming> take() { return std::exchange(frames_, {}); }

 private:
  void forget(ConnectionId caller);

  std::vector<Incoming> frames_;
  std::unordered_map<ConnectionId, std::uint64_t> bytes_;  // of kept frames, by caller
  std::uint64_t all_bytes_ = 0;
  bool dropped_ = false;
};

}  // namespace rankwire::zmq_wire

#pragma once

#include <cstdint>
#include <utility>
#include <zmq.hpp>

namespace rankwire::zmq_wire {

/// The number of a connection, whether this process dialed it or was called; 0 stands for none.
/// Each carrier has a range of the numbers, so a number says which of them carries the connection:
/// the Wire those below wire_numbers_end, the relay by the master (Relay) the others.
using ConnectionId = std::uint64_t;
inline constexpr ConnectionId wire_numbers_end = ConnectionId{1} << 63;

/// Two workers may share a connection: the one that dialed sends over it, and the other one sends
/// back. What is sent back is a link of its own, and its way has a number of its own. The Wire
/// carries frames for that number over the connection, and reports nothing of it.
inline constexpr ConnectionId back_bit = ConnectionId{1} << 62;
[[nodiscard]] constexpr ConnectionId way_back(ConnectionId connection) {
  return connection | back_bit;
}
[[nodiscard]] constexpr bool is_way_back(ConnectionId number) {
  return number < wire_numbers_end && (number & back_bit) != 0;
}

/// Carries frames, as the Wire does, and the relay by the master.
class Carrier {
 public:
  virtual ~Carrier() = default;
  /// Sends the first part of a frame, and `chunk` as its second part unless that is null. Both are
  /// empty afterwards. Does not wait. A frame for a connection that has ended is dropped; its Link
  /// sends it again over the next one.
  virtual void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) = 0;
};

/// How the frames of a link go: the carrier, and the connection's number there. A value; the
/// carrier outlives it.
struct Route {
  Carrier* carrier = nullptr;  ///< null: there is no route (yet)
  ConnectionId number = 0;

  /// See Carrier::carry. `carrier` must not be null.
  void carry(zmq::message_t&& first, zmq::message_t* chunk) const {
    carrier->carry(number, std::move(first), chunk);
  }
};

}  // namespace rankwire::zmq_wire

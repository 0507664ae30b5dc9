#pragma once

#include <cstdint>
#include <utility>
#include <zmq.hpp>

namespace rankwire::zmq_wire {

/// The number of a connection: of one whom this process dialed, or who called it; 0 is nobody. The
/// Wire uses the lower half of the numbers, the relay by the master (Relay) the upper half: so a
/// number alone tells which of them carries it.
using ConnectionId = std::uint64_t;

/// What frames travel over: the Wire, or the relay by the master.
class Carrier {
 public:
  /// Takes the first part of a frame, and its second part where `chunk` is not null; both are empty
  /// then. Does not wait. A frame for a connection that has ended vanishes: its Link sends it again
  /// when the next one stands.
  virtual void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) = 0;

 protected:
  ~Carrier() = default;
};

/// The way of a link's frames: what carries them, and by which number it knows the connection. A
/// value; the carrier outlives it.
struct Route {
  Carrier* carrier = nullptr;  ///< null: there is none (yet)
  ConnectionId number = 0;

  /// See Carrier; there must be one.
  void carry(zmq::message_t&& first, zmq::message_t* chunk) const {
    carrier->carry(number, std::move(first), chunk);
  }
};

}  // namespace rankwire::zmq_wire

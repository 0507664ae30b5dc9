#pragma once

#include <memory>
#include <optional>

#include "links/link.hpp"
#include "protocol/protocol.hpp"
#include "sockets/carrier.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Carries the frames between two workers that do not reach each other: over the link to the
/// master, which passes them on. The number of such a way says with whom frames are exchanged, and
/// which of the two dialed the link.
class Relay final : public Carrier {
 public:
  /// `to_master` is where the link to the master is, or will be; it outlives this.
  explicit Relay(const std::unique_ptr<Link>& to_master) : to_master_{to_master} {}

  /// The way of a link with the worker `rank`, who dialed it or did not.
  [[nodiscard]] static ConnectionId number(int rank, bool rank_dialed) {
    return relayed_bit | (static_cast<ConnectionId>(rank) << 1) | (rank_dialed ? 1U : 0U);
  }
  /// Whether a connection's number is one of those.
  [[nodiscard]] static bool has(ConnectionId number) { return (number & relayed_bit) != 0; }

  /// Without a link to the master the frame vanishes.
  void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) override;

 private:
  static constexpr ConnectionId relayed_bit = ConnectionId{1} << 63;
  const std::unique_ptr<Link>& to_master_;
};

/// The frame in a relay, as if it had come over a connection of its own (Relay::number): what the
/// master passes on, and a worker takes. Nothing where there is no frame in it that may be relayed.
/// A small first frame is the relay's body, a large one its second frame; neither is copied
/// needlessly.
[[nodiscard]] std::optional<Incoming> relayed_in(Incoming&& relay);

}  // namespace rankwire::zmq_wire

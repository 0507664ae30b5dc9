#pragma once

#include <memory>
#include <optional>

#include "links/link.hpp"
#include "protocol/protocol.hpp"
#include "sockets/carrier.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Carries the frames between two workers that cannot reach each other: over the link to the
/// master, which passes them on. The number of such a route says who the other worker is, and which
/// of the two dialed the link.
class Relay final : public Carrier {
 public:
  /// `to_master` holds the link to the master, or will. It outlives this.
  explicit Relay(const std::unique_ptr<Link>& to_master) : to_master_{to_master} {}

  /// The number of the route of a link with the worker `rank`. `rank_dialed`: that worker dialed
  /// the link.
  [[nodiscard]] static ConnectionId number(int rank, bool rank_dialed) {
    return relayed_bit | (static_cast<ConnectionId>(rank) << 1) | (rank_dialed ? 1U : 0U);
  }
  /// Whether `number` is the number of a relayed route.
  [[nodiscard]] static bool has(ConnectionId number) { return (number & relayed_bit) != 0; }

  /// See Carrier. Drops the frame if there is no link to the master.
  void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) override;

 private:
  static constexpr ConnectionId relayed_bit = wire_numbers_end;
  const std::unique_ptr<Link>& to_master_;
};

/// Takes the frame out of a relay, as if it had come over a connection of its own (Relay::number).
/// The master passes it on, and a worker takes it. Nothing if there is no frame in it that may be
/// relayed. Its first part is copied out of the body of the relay; its second part is the relay's.
[[nodiscard]] std::optional<Incoming> relayed_in(Incoming&& relay);

}  // namespace rankwire::zmq_wire

#include "links/relay.hpp"

#include <utility>

namespace rankwire::zmq_wire {

void Relay::carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) {
  if (!to_master_) return;
  const bool peer_dialed = (over & 1U) != 0;
  const int peer = static_cast<int>((over & ~relayed_bit) >> 1);
  to_master_->send_relay({peer, !peer_dialed}, first, chunk);
}

/// The master calls this, too: it passes on nothing that it would not send itself.
std::optional<Incoming> relayed_in(Incoming&& relay) {
  const RelayTag tag = RelayTag::from_wire(relay.header.tag);
  Incoming inner{.connection = Relay::number(tag.rank, tag.from_dialer)};
  const auto body = std::as_const(relay).body();
  inner.first.rebuild(body.data(), body.size());
  inner.chunk = std::move(relay.chunk);
  inner.has_chunk = relay.has_chunk;
  const auto header = header_of({inner.first.data<std::byte>(), inner.first.size()});
  if (!header || header->kind == Kind::relay || inner.body().size() > piece_bytes_max ||
      (inner.has_chunk && (inner.chunk.empty() || inner.chunk.size() > piece_bytes_max))) {
    return std::nullopt;
  }
  inner.header = *header;
  return inner;
}

}  // namespace rankwire::zmq_wire

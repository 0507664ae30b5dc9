#include <fmt/format.h>

#include <utility>

#include "address.hpp"
#include "frame.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "zmq_channel.hpp"

// The connections that this rank dials, and the way around those that do not come about. Whoever
// dialed, and dialed again, says `link`, with what it has received, and sends again what was not
// acknowledged.
//
// Workers among each other do not judge who is lost: where one cannot reach the other, the master
// relays. (The master and a worker do: zmq_absence.cpp.)

namespace rankwire::zmq_wire {
namespace {

/// A connection to another worker must stand within this, else the master relays.
constexpr std::chrono::milliseconds dial_patience{2000};

/// Where to dial a worker; empty when that cannot be told here. In a world over ipc all are.
std::string numeric_endpoint_of(const Member& member, bool over_ipc) {
  try {
    const Endpoint there = parse_endpoint(member.endpoint);
    if (there.is_ipc() != over_ipc) return {};
    // A loopback address of another host would lead to a stranger on this one.
    const std::string& host = there.host;
    const bool loopback = host == "localhost" || host.starts_with("127.") || host == "::1";
    if (loopback && member.host != host_name()) return {};
    return dialable(member.endpoint);
  } catch (const UsageError& error) {
    log().warn("rank {} cannot be dialed at {}: {}", member.rank, member.endpoint, error.what());
    return {};
  }
}

}  // namespace

Link& ZmqChannel::link_to(int dest) {
  Peer& there = peer(dest);
  if (!there.out) {
    there.out = make_link(dest);
    dial(dest);
  }
  return *there.out;
}

void ZmqChannel::dial(int dest) {
  Peer& there = peer(dest);
  const std::string endpoint = numeric_endpoint_of(there.member, is_ipc(peer(0).member.endpoint));
  if (endpoint.empty()) {
    relay_from_now(dest);
    return;
  }
  there.dialing.direct = wire_->dial(endpoint, frame_bytes_max(piece_bytes_min), there.member.key);
  there.dialing.relay_at = dial_patience;
  links_[there.dialing.direct] = there.out.get();
  call(*there.out, there.dialing.direct);  // kept until the first attempt stands
  run_timers();
}

/// Says who calls over a connection, and sends all that may not have come over another.
void ZmqChannel::call(Link& link, ConnectionId over) {
  const Buffer body = encode(LinkHello{token_, rank(), peer(rank()).member.incarnation, link.rank(),
                                       peer(link.rank()).member.incarnation, link.next_call()});
  carry(over,
        frame_of({.kind = Kind::link, .bytes = body.size(), .ack = link.received()}, body.bytes()),
        nullptr);
  link.attach(over);
}

void ZmqChannel::process_up(const Incoming& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto found = links_.find(connection);
  if (found == links_.end()) return;
  Link& link = *found->second;
  const int rank = link.rank();
  Dialing& dialing = peer(rank).dialing;
  dialing.relay_at = Deadline::never();
  end_absence(rank);
  dialing.ever_stood = true;
  if (incoming.anew || link.route() != connection) call(link, connection);
  if (std::exchange(dialing.relayed, false)) {
    log().info("rank {} reaches {} directly again", this->rank(), name(rank));
  }
}

void ZmqChannel::direct_is_down(int rank) {
  Peer& there = peer(rank);
  if (there.dialing.relayed) {
    call(*there.out, relay_route(rank, false));
  } else {
    there.dialing.relay_at = dial_patience;
    run_timers();
  }
}

/// Other failures are the wire's to try again, until the grace or the patience is over.
void ZmqChannel::process_failed(const Incoming& incoming) {
  const auto found = links_.find(incoming.connection);
  if (found == links_.end() || !incoming.key_refused || found->second->rank() != 0) return;
  lose_world("the master that answers now refuses the key of this worker");
}

/// The direct connection does not stand: the master passes on what goes to `dest`. One that has
/// stood is mended in the background.
void ZmqChannel::relay_from_now(int dest) {
  Peer& there = peer(dest);
  Dialing& dialing = there.dialing;
  dialing.relay_at = Deadline::never();
  if (!dialing.ever_stood && dialing.direct != 0) {
    unlink(dialing.direct);
    dialing.direct = 0;
  }
  if (!dialing.relayed) {
    log().warn("rank {} cannot reach {} at {}: the master relays what it sends there", rank(),
               name(dest), there.member.endpoint);
  }
  dialing.relayed = true;
  links_[relay_route(dest, false)] = there.out.get();
  call(*there.out, relay_route(dest, false));
}

}  // namespace rankwire::zmq_wire

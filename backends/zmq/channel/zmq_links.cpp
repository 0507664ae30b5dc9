#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "channel/zmq_channel.hpp"
#include "protocol/frame.hpp"
#include "rankwire/backend/log.hpp"

// Links whose connections break and are mended: who calls is tied to the link that it says it is
// of, and what was not acknowledged is sent again. What the master relays. (Who dials, and when it
// goes by the master: zmq_dialing.cpp.)

namespace rankwire::zmq_wire {
void ZmqChannel::carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) {
  if (!is_relayed(over)) {
    wire_->send(over, std::move(first), chunk);
    return;
  }
  const bool peer_dialed = (over & 1U) != 0;
  const int other = static_cast<int>((over & ~(std::uint64_t{1} << 63)) >> 1);
  if (peer(0).out) peer(0).out->send_relay({other, !peer_dialed}, std::move(first), chunk);
}

void ZmqChannel::process_stranger(Incoming&& incoming) {
  const ConnectionId connection = incoming.connection;
  const Kind kind = incoming.header.kind;
  if (const auto early = early_links_.find(connection); early != early_links_.end()) {
    keep_early(early->second, std::move(incoming));
  } else if (kind == Kind::link) {
    process_link(incoming);
  } else if (kind == Kind::hello && is_master()) {
    process_hello(std::move(incoming));
  } else {
    wire_->drop(connection, "not from a rank of this world");
  }
}

/// Somebody dialed, or dialed again.
void ZmqChannel::process_link(const Incoming& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto hello = decode<LinkHello>(incoming.body());
  if (hello.token != token_ || hello.rank <= 0 || hello.rank >= size() || hello.rank == rank()) {
    turn_away(connection, Refusal::unknown, "it is of another world");
    wire_->drop(connection, "not a link of this world");
    return;
  }
  if (hello.to_rank != rank()) {
    turn_away(connection, Refusal::unknown, fmt::format("here is rank {}", rank()));
    wire_->drop(connection, "a link to another rank");
    return;
  }
  wire_->listen_to(connection);
  if (hello.to_incarnation != peer(rank()).member.incarnation) {
    wire_->drop(connection, "a link to the process that had this rank before");
    return;
  }
  const auto incarnation = peer(hello.rank).member.incarnation;
  const Departure* const departure = mailbox_.departure(hello.rank);
  if (hello.incarnation > incarnation && !is_master()) {
    if (early_links_.size() < peers_.size() + later_max) {
      early_links_[connection] = {hello, incoming.header.ack, {}, false, false};
    } else {
      wire_->hang_up(connection);  // it calls again
    }
  } else if (hello.incarnation != incarnation) {
    turn_away(connection, Refusal::lost, "another process has taken its place");
  } else if (departure != nullptr && departure->kind == Departure::Kind::lost) {
    if (is_master()) turn_away(connection, Refusal::lost, departure->reason);
  } else {
    adopt_call(hello, connection, incoming.header.ack);
    Link& link = *link_from(hello.rank);
    if (link.route() == connection) {
      link.note_sent(incoming.header.sequence);
      note_frame(link, incoming);
    }
  }
}

/// Follows a call, unless the rank has called by another way since.
void ZmqChannel::adopt_call(const LinkHello& hello, ConnectionId connection,
                            std::uint32_t received) {
  Link* const before = link_from(hello.rank);
  if (before != nullptr && !before->heed_call(hello.call)) {
    if (connection != before->route()) unlink(connection);
    return;
  }
  adopt(hello.rank, connection, received);
  Link& link = *link_from(hello.rank);
  if (before == nullptr) (void)link.heed_call(hello.call);
  link.acknowledge();
}

/// What does not find room is asked for again.
void ZmqChannel::keep_early(EarlyLink& early, Incoming&& incoming) {
  const std::size_t bytes =
      incoming.first.size() + incoming.chunk.size() + Windows::message_overhead_bytes;
  if (early.dropped || early_bytes_ + bytes > windows_.window_bytes()) {
    early.dropped = true;
    return;
  }
  early_bytes_ += bytes;
  early.frames.push_back(std::move(incoming));
}

/// The master has told of a newcomer, who may have dialed before.
void ZmqChannel::adopt_early(const Member& member) {
  std::vector<std::pair<ConnectionId, EarlyLink>> calls;
  for (auto at = early_links_.begin(); at != early_links_.end();) {
    const LinkHello& hello = at->second.hello;
    const bool is_its = hello.rank == member.rank && hello.incarnation == member.incarnation;
    if (is_its) calls.emplace_back(at->first, std::move(at->second));
    at = is_its ? early_links_.erase(at) : std::next(at);
  }
  if (early_links_.empty()) early_bytes_ = 0;
  std::sort(calls.begin(), calls.end(), [](const auto& left, const auto& right) {
    return left.second.hello.call < right.second.hello.call;
  });
  for (auto& [connection, early] : calls) {
    adopt_call(early.hello, connection, early.received);
    for (auto& frame : early.frames) process(std::move(frame));
    if (early.ended) {
      process_down(connection, false);
    } else if (Link* const link = link_from(member.rank); early.dropped && link != nullptr) {
      link->ask_again();
    }
  }
}

/// Ties a connection to the link over which `rank` sends.
void ZmqChannel::adopt(int rank, ConnectionId connection, std::uint32_t received) {
  Peer& there = peer(rank);
  std::unique_ptr<Link>& link = is_hub_link(rank) ? there.out : there.in;
  if (!link) link = make_link(rank);
  if (link->route() != 0 && link->route() != connection) unlink(link->route());
  links_[connection] = link.get();
  if (!is_relayed(connection)) wire_->listen_to(connection);
  if (!link->attach(connection, received)) {
    wire_->drop(connection, "a link that counts other frames than were sent");
    return;
  }
  connection_stands(rank);
}

void ZmqChannel::process_down(ConnectionId connection, bool exited) {
  if (const auto early = early_links_.find(connection); early != early_links_.end()) {
    early->second.ended = true;  // what it has said is still taken, once its rank is known
    return;
  }
  std::erase_if(waiting_hellos_, [&](const auto& in) { return in.connection == connection; });
  const auto found = links_.find(connection);
  if (found == links_.end()) return;
  Link& link = *found->second;
  const int rank = link.rank();
  Peer& there = peer(rank);
  const bool was_route = link.route() == connection;
  if (was_route) link.detach();
  if (rank != 0 && (mailbox_.departure(rank) || there.departing)) {
    unlink(connection);  // or it would be dialed again, and we would talk to a stranger
    if (there.departing) finish_departing(rank);
  } else if (is_hub_link(rank)) {
    if (was_route && exited) {
      lose(rank, "its process has exited without a goodbye");
    } else if (was_route) {
      begin_absence(rank);
    }
  } else if (connection == there.dialing.direct) {
    direct_is_down(rank);
  }
}

void ZmqChannel::process_reject(Link& link, const Incoming& incoming) {
  const Reject reject = reject_of(incoming.body());
  const int rank = link.rank();
  if (rank == 0 && leaving_) {
    leave_without_master(reject.text);
  } else if (rank == 0) {
    lose_world(fmt::format("the master does not let this rank go on: {}", reject.text));
  } else if (leaving_ && reject.refusal == Refusal::lost) {
    for (Link* const each : {peer(rank).out.get(), peer(rank).in.get()}) {
      if (each != nullptr) each->forget_kept();  // it takes nothing more
    }
  } else if (reject.refusal == Refusal::unknown &&
             incoming.connection == peer(rank).dialing.direct) {
    // Its address leads somewhere else from here: two private networks may use the same ones.
    peer(rank).dialing.endpoint.clear();
    relay_from_now(rank, reject.text);
  }  // else the master tells what became of that worker
}

/// The message in a relay, its header not looked at yet: a small first frame is the body, a large
/// one the second frame.
Incoming ZmqChannel::relayed_in(Incoming&& relay, const RelayTag& tag) {
  Incoming inner{.connection = relay_route(tag.rank, tag.from_dialer)};
  const auto body = std::as_const(relay).body();
  if (relay.has_chunk && body.empty()) {
    inner.first = std::move(relay.chunk);
  } else {
    inner.first.rebuild(body.data(), body.size());
    inner.chunk = std::move(relay.chunk);
    inner.has_chunk = relay.has_chunk;
  }
  return inner;
}

/// At the master a message to pass on; at a worker one that another worker sent this way.
void ZmqChannel::process_relay(int source, Incoming&& incoming) {
  const RelayTag tag = RelayTag::from_wire(incoming.header.tag);
  const ConnectionId connection = incoming.connection;
  if (tag.rank <= 0 || tag.rank >= size() || tag.rank == source || tag.rank == rank() ||
      (!is_master() && source != 0)) {
    wire_->drop(connection, "a relay to nobody");
    return;
  }
  // The master, too: it sends on nothing that it would not send itself.
  Incoming inner = relayed_in(std::move(incoming), tag);
  const auto header = header_of({inner.first.data<std::byte>(), inner.first.size()});
  if (!header || header->kind == Kind::relay || inner.body().size() > piece_bytes_max ||
      (inner.has_chunk && (inner.chunk.empty() || inner.chunk.size() > piece_bytes_max))) {
    wire_->drop(connection, "a relay of no message");
    return;
  }
  inner.header = *header;
  if (is_master()) {
    forward(source, tag, std::move(inner));
  } else {
    process(std::move(inner));
  }
}

void ZmqChannel::forward(int source, RelayTag tag, Incoming&& inner) {
  Peer& target = peer(tag.rank);
  if (!target.out || mailbox_.departure(tag.rank)) return;  // its departure is told to all
  target.out->send_relay({source, tag.from_dialer}, std::move(inner.first),
                         inner.has_chunk ? &inner.chunk : nullptr);
}

void ZmqChannel::turn_away(ConnectionId connection, Refusal refusal, const std::string& text) {
  const Buffer body = body_of({refusal, text});
  carry(
      connection,
      frame_of({.kind = Kind::reject, .tag = protocol_version, .bytes = body.size()}, body.bytes()),
      nullptr);
  if (!is_relayed(connection)) wire_->bid_farewell(connection);
}

/// `rank` is told over the connection by which it called, where that stands, that it was given up,
/// or replaced. (And when it calls again.) What was said to it before reaches it as well.
void ZmqChannel::expel(int rank, const std::string& reason) {
  const Link* const link = link_from(rank);
  if (link == nullptr || !link->is_attached() || is_relayed(link->route())) return;
  const ConnectionId connection = link->route();
  turn_away(connection, Refusal::lost, reason);
  links_.erase(connection);
}

void ZmqChannel::drop_links(int rank) {
  Peer& there = peer(rank);
  for (const auto* const link : {there.out.get(), there.in.get()}) {
    if (link == nullptr) continue;
    std::erase(waiting_, link);
    std::erase_if(links_, [&](const auto& entry) {
      if (entry.second != link) return false;
      if (!is_relayed(entry.first)) wire_->hang_up(entry.first);
      return true;
    });
  }
  there.out.reset();
  there.in.reset();
  there.dialing = {};
  there.absence = {};
  there.bearing = {};
}

void ZmqChannel::unlink(ConnectionId connection) {
  links_.erase(connection);
  if (!is_relayed(connection)) wire_->hang_up(connection);
}

}  // namespace rankwire::zmq_wire

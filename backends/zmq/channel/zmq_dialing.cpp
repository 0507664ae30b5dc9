#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "channel/zmq_channel.hpp"
#include "protocol/frame.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "reach/address.hpp"

// The connections that this rank dials, and the way around those that do not come about. Whoever
// dialed says `link`, with what it has received, and sends again what was not acknowledged.
//
// Workers among each other do not judge who is lost: where the way from one to the other is closed,
// the master relays. (The master and a worker do: zmq_absence.cpp.) That a connection does not
// stand yet is no sign of that: hosts may be busy, and the master would be busier still. Probes
// tell, or connections that stand and carry nothing. Later the direct way is tried again, with
// growing pauses, while the master relays on.

namespace rankwire::zmq_wire {
namespace {

using Clock = Deadline::Clock;

/// Before that nobody goes by the relay: what ended a connection may be over, or be told by the
/// master.
constexpr std::chrono::milliseconds dial_patience{2000};
constexpr std::chrono::milliseconds look_for_way_each{1000};
/// Probes in a row that find the way closed; or somebody who accepts and says nothing, as a host
/// does that is very busy.
constexpr int closed_max = 2, mute_max = 10;
/// Of a rank that closes one is enough, and comes sooner: others give it the grace, and its linger
/// may be over before.
constexpr int mute_leaving_max = 1;
constexpr std::chrono::milliseconds look_for_way_leaving_each{250};
/// Handshakes in a row that came to nothing.
constexpr int failures_max = 3;
constexpr std::size_t probes_max = 8;
/// Where all ranks of a large world dial all others at once, handshakes share the hosts: each would
/// take longer than it may. So many are begun at a time, and more where they take longer than that.
constexpr std::size_t dials_max = 16;
constexpr std::chrono::milliseconds dial_alone{2000};
/// Before the direct way is tried again, and for how long.
constexpr std::chrono::milliseconds pause_first{250}, pause_last{60'000}, trial{10'000};
/// A trial's first word is larger than any packet, so that it does not pass where only small ones
/// do.
constexpr std::size_t trial_bytes = std::size_t{16} << 10;

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
  Dialing& dialing = there.dialing;
  dialing.endpoint = numeric_endpoint_of(there.member, is_ipc(peer(0).member.endpoint));
  if (dialing.endpoint.empty()) {
    relay_from_now(dest, "its address leads nowhere from here");
    return;
  }
  to_dial_.push_back(dest);
  dial_next();
}

/// Those whose turn it is. For the others all is kept that is sent to them.
void ZmqChannel::dial_next() {
  std::erase_if(dials_, [](const auto& dial) { return dial.second.expired(); });
  while (!to_dial_.empty() && dials_.size() < dials_max) {
    const int dest = to_dial_.front();
    to_dial_.pop_front();
    Peer& there = peer(dest);
    Dialing& dialing = there.dialing;
    if (!there.out || dialing.direct != 0 || dialing.relayed || dialing.endpoint.empty()) continue;
    dials_.emplace_back(dest, dial_alone);
    dial_direct(dest);
    call(*there.out, dialing.direct);  // kept until the connection stands
    dialing.said = true;
    dialing.unproven_since = Clock::now();
    look_for_way(dest, look_for_way_each);
  }
  if (!to_dial_.empty()) run_timers();
}

void ZmqChannel::dial_direct(int dest) {
  Peer& there = peer(dest);
  there.dialing.direct =
      wire_->dial(there.dialing.endpoint, frame_bytes_max(piece_bytes_min), there.member.key);
  links_[there.dialing.direct] = there.out.get();
}

void ZmqChannel::hang_up_direct(int dest) {
  Dialing& dialing = peer(dest).dialing;
  if (dialing.direct != 0) unlink(std::exchange(dialing.direct, 0));
  dialing.said = false;
  dialing.stands_since.reset();
}

void ZmqChannel::look_for_way(int dest, std::chrono::milliseconds from_now) {
  peer(dest).dialing.look_at = from_now;
  run_timers();
}

/// Who calls.
Buffer ZmqChannel::word_of(Link& link) {
  return encode(LinkHello{token_, rank(), peer(rank()).member.incarnation, link.rank(),
                          peer(link.rank()).member.incarnation, link.next_call()});
}

/// Says who calls over a connection, and sends all that may not have come over another.
void ZmqChannel::call(Link& link, ConnectionId over) {
  const Buffer body = word_of(link);
  carry(over, frame_of(link.word(Kind::link, body.size()), body.bytes()), nullptr);
  link.attach(over);
}

void ZmqChannel::process_up(const Incoming& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto found = links_.find(connection);
  if (found == links_.end()) return;
  Link& link = *found->second;
  const int rank = link.rank();
  Dialing& dialing = peer(rank).dialing;
  dialing.look_at = Deadline::never();
  dialing.probe.reset();
  dialing.closed = dialing.mute = 0;
  dialing.stands_since = Clock::now();
  std::erase_if(dials_, [rank](const auto& dial) { return dial.first == rank; });
  dial_next();
  const bool said = std::exchange(dialing.said, false) && !incoming.anew;
  if (dialing.relayed) {
    try_direct(link, connection);
  } else {
    if (!said) call(link, connection);
    if (rank == 0) connection_stands(rank);
  }
}

/// Says who calls, in a large frame. Until that is answered the master relays on.
void ZmqChannel::try_direct(Link& link, ConnectionId over) {
  const Buffer body = word_of(link);
  zmq::message_t padding{trial_bytes};
  std::memset(padding.data(), 0, padding.size());
  carry(over, frame_of(link.word(Kind::link, body.size()), body.bytes()), &padding);
}

/// The word was answered.
void ZmqChannel::go_direct(int rank) {
  Peer& there = peer(rank);
  there.dialing.relayed = false;
  there.dialing.unproven_since = Clock::now();
  there.out->attach(there.dialing.direct);
  if (returns_.admits()) {
    log().info("rank {} reaches {} directly again{}", this->rank(), name(rank), returns_.end());
  }
}

void ZmqChannel::direct_is_down(int rank) {
  Dialing& dialing = peer(rank).dialing;
  const auto now = Clock::now();
  const auto stood = dialing.stands_since ? now - *dialing.stands_since : Clock::duration{};
  dialing.stands_since.reset();
  if (dialing.relayed) {
    try_again_later(rank);
    return;
  }
  const bool proven = !dialing.unproven_since || stood >= proven_after();
  if (proven) {
    dialing.unproven_since = now;
    dialing.pause = dialing.pause.zero();
  } else if (stood >= barren_after() && now - *dialing.unproven_since >= dial_patience) {
    relay_from_now(rank, "connections stand, and nothing comes through");
    return;
  }
  look_for_way(rank, look_for_way_each);
}

/// Other failures are tried again, until the grace or the patience is over.
void ZmqChannel::process_failed(const Incoming& incoming) {
  const auto found = links_.find(incoming.connection);
  if (found == links_.end()) return;
  const int rank = found->second->rank();
  if (rank == 0) {
    if (incoming.key_refused) {
      lose_world("the master that answers now refuses the key of this worker");
    }
    return;
  }
  Dialing& dialing = peer(rank).dialing;
  if (incoming.connection != dialing.direct) return;
  ++dialing.failures;
  if (dialing.relayed) try_again_later(rank);
}

/// At a rank that is not reached directly: whether the way to it is closed, or open again.
void ZmqChannel::look_at_dialing(int rank) {
  Dialing& dialing = peer(rank).dialing;
  if (dialing.look_at.is_never()) return;
  if (dialing.probe) {
    const auto outcome = dialing.probe->outcome();
    if (!outcome) return;
    const std::string text = dialing.probe->text();
    dialing.probe.reset();
    if (dialing.relayed) {
      way_was_probed(rank, *outcome);
    } else {
      count_evidence(rank, *outcome, text);
    }
  } else if (dialing.look_at.expired()) {
    if (dialing.relayed && dialing.direct != 0) {
      try_again_later(rank);  // it does not come about
    } else if (probes_of_ways_ < probes_max) {
      ++probes_of_ways_;
      dialing.probe = std::make_unique<Probe>(dialing.endpoint, probe_limit, Probe::Until::spoke);
    }
  }
}

void ZmqChannel::count_evidence(int rank, Probe::Outcome outcome, const std::string& text) {
  Dialing& dialing = peer(rank).dialing;
  const bool closed = outcome == Probe::Outcome::refused || outcome == Probe::Outcome::silent;
  dialing.closed = closed ? dialing.closed + 1 : 0;
  dialing.mute = outcome == Probe::Outcome::mute ? dialing.mute + 1 : 0;
  const bool patient = Clock::now() - *dialing.unproven_since < dial_patience;
  const bool is_closed =
      dialing.closed >= closed_max || dialing.mute >= (leaving_ ? mute_leaving_max : mute_max);
  if (!patient && (is_closed || dialing.failures >= failures_max)) {
    relay_from_now(rank, is_closed ? text : "no handshake comes about");
  } else {
    look_for_way(rank, leaving_ ? look_for_way_leaving_each : look_for_way_each);
  }
}

/// What this rank has sent is to arrive before it ends.
void ZmqChannel::look_for_ways_now() {
  for (int other = 1; other < size(); ++other) {
    const Dialing& dialing = peer(other).dialing;
    if (!dialing.relayed && !dialing.look_at.is_never())
      look_for_way(other, std::chrono::milliseconds::zero());
  }
}

void ZmqChannel::way_was_probed(int rank, Probe::Outcome outcome) {
  if (outcome == Probe::Outcome::spoke) {
    dial_direct(rank);
    look_for_way(rank, trial);
  } else {
    try_again_later(rank);
  }
}

void ZmqChannel::try_again_later(int rank) {
  Dialing& dialing = peer(rank).dialing;
  hang_up_direct(rank);
  dialing.pause = std::clamp(2 * dialing.pause, pause_first, pause_last);
  look_for_way(rank, dialing.pause);
}

/// The master passes on what goes to `dest`.
void ZmqChannel::relay_from_now(int dest, const std::string& why) {
  Peer& there = peer(dest);
  Dialing& dialing = there.dialing;
  hang_up_direct(dest);
  dialing.closed = dialing.mute = dialing.failures = 0;
  dialing.relayed = true;
  if (relays_.admits()) {
    log().warn("rank {} cannot reach {} at {} ({}): the master relays what it sends there{}",
               rank(), name(dest), there.member.endpoint, why, relays_.end());
  }
  links_[relay_route(dest, false)] = there.out.get();
  call(*there.out, relay_route(dest, false));
  if (dialing.endpoint.empty()) {
    dialing.look_at = Deadline::never();
  } else {
    try_again_later(dest);
  }
}

}  // namespace rankwire::zmq_wire

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "channel/zmq_channel.hpp"
#include "rankwire/backend/log.hpp"

// Who is out of reach, and for how long: the timers of a channel. The master gives a worker the
// grace, from its connection's end or from when it was last heard: each probe that its libzmq
// answers begins the grace anew. Where its host says that nobody listens there any more, it is lost
// at once. A worker does the same with the master, for four times the grace at most.
//
// A network may pass handshakes, probes and PINGs, and drop all that is larger. So a connection
// that stands again and again, for as long as it takes to notice that nothing passes, and carries
// no frame where any is missing, is as good as none. Both ends know whether any is: they tell each
// other how many they have sent.

namespace rankwire::zmq_wire {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds look_each{50};
/// For probes at a rank that is out of reach.
constexpr std::chrono::milliseconds look_for_absent_each{250};
/// A network that is back just before the grace is over: the next attempt to dial may come so much
/// later, since one into the cut was under way (the system sends its first packet again after a
/// second).
constexpr std::chrono::milliseconds dialed_again_within{1500};
/// A worker dials a master that speaks again and again; this is more than that takes anywhere.
constexpr int graces_max = 4;
constexpr int looks_put_off_max = 10;
/// So many connections in a row that carry nothing: fewer may break while the other program
/// computes.
constexpr int barren_least = 3;

}  // namespace

void ZmqChannel::run_timers() {
  if (next_look_.is_never()) next_look_ = look_each;
}

/// Takes in what waits, for so long; false when there is more.
bool ZmqChannel::drain(std::chrono::milliseconds at_most) {
  // A frame may have a thousand messages, and a look at the clock costs as much as one of them.
  constexpr int frames_per_clock = 8;
  const Deadline end{at_most};
  for (int taken = 1;; ++taken) {
    if (taken % frames_per_clock == 0 && end.expired()) return false;
    auto incoming = wire_->receive(Deadline::poll());
    if (!incoming) return true;
    process(std::move(*incoming));
  }
}

/// First takes in what has come: this rank may have computed for long, and what clears a deadline
/// may wait behind it; but not for ever, where there is always more.
void ZmqChannel::look_at_timers() {
  next_look_ = look_each;
  if (!drain(look_around_max) && ++looks_put_off_ <= looks_put_off_max) return;
  looks_put_off_ = 0;
  for (auto& hello : std::exchange(waiting_hellos_, {})) process_hello(std::move(hello));
  dial_next();
  bool needed = !waiting_hellos_.empty() || !to_dial_.empty();
  probes_of_ways_ =
      static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [](const Peer& there) {
        return there.dialing.probe != nullptr;
      }));
  for (int other = 0; other < size(); ++other) {
    Peer& there = peer(other);
    if (there.departing) finish_departing(other);
    if (there.departing && there.departing_until.expired()) give_up_departing(other);
    follow_later(other);
    look_at_dialing(other);
    look_at_first_probe(other);
    if (!there.absence.lost_at.is_never()) look_at_absence(other);
    needed = needed || is_awaited(other) || !there.dialing.look_at.is_never() ||
             there.first_probe || !there.absence.lost_at.is_never();
  }
  if (!needed) next_look_ = Deadline::never();
}

void ZmqChannel::look_at_first_probe(int rank) {
  Peer& there = peer(rank);
  if (!there.first_probe) return;
  const auto outcome = there.first_probe->outcome();
  if (!outcome) {
    run_timers();
    return;
  }
  if (*outcome == Probe::Outcome::accepted) there.probed_at = there.member.endpoint;
  there.first_probe.reset();
}

std::chrono::milliseconds ZmqChannel::barren_after() const {
  return std::max<std::chrono::milliseconds>(silence_max(settings_), 1s);
}

std::chrono::milliseconds ZmqChannel::proven_after() const {
  return std::max<std::chrono::milliseconds>(2 * silence_max(settings_), 4s);
}

/// Its connection broke.
void ZmqChannel::begin_absence(int rank) {
  if (bears_nothing(rank)) {
    lose(rank,
         fmt::format("connections to it stood, and no frame came through for {} ms (--grace): does "
                     "the network drop large packets?",
                     settings_.grace.count()));
    return;
  }
  Absence& absence = peer(rank).absence;
  if (!absence.lost_at.is_never()) return;
  absence.lost_at = settings_.grace + dialed_again_within;
  // A worker that can be heard computes, for as long as it likes.
  if (!is_master()) absence.lost_by = graces_max * settings_.grace + dialed_again_within;
  absence.look_at = Deadline::poll();
  run_timers();
  look_at_absence(rank);
}

/// Its connection stands again.
void ZmqChannel::connection_stands(int rank) {
  Bearing& bearing = peer(rank).bearing;
  bearing.stands_since = Deadline::Clock::now();
  bearing.carried = false;
  end_absence(rank);
}

/// Its connection broke: whether that was one of several in a row, for the grace, which carried
/// nothing though they stood for as long as it takes to notice that.
bool ZmqChannel::bears_nothing(int rank) {
  Bearing& bearing = peer(rank).bearing;
  if (!bearing.stands_since) return false;
  const auto since = *std::exchange(bearing.stands_since, std::nullopt);
  const auto now = Deadline::Clock::now();
  if (bearing.carried || now - since >= proven_after()) {
    bearing.barren_since.reset();
    bearing.barren = 0;
  } else if (now - since >= barren_after()) {
    ++bearing.barren;
    // The one before was stuck for the silence, and was not known to be.
    if (!bearing.barren_since) {
      bearing.barren_since = since - (barren_after() - 1s);
      return false;
    }
    return bearing.barren >= barren_least && now - *bearing.barren_since >= settings_.grace;
  }
  return false;
}

/// One came over a connection of the link.
void ZmqChannel::note_frame(Link& link, const Incoming& incoming) {
  Peer& there = peer(link.rank());
  Dialing& dialing = there.dialing;
  if (dialing.relayed && incoming.connection == dialing.direct &&
      incoming.header.kind != Kind::reject) {
    go_direct(link.rank());
  }
  if (!link.carries()) return;
  there.bearing.carried = true;
  if (&link == there.out.get()) {
    dialing.unproven_since.reset();
    dialing.failures = 0;
  }
}

void ZmqChannel::end_absence(int rank) {
  Absence& absence = peer(rank).absence;
  if (absence.reported) log().info("rank {}: {} is within reach again", this->rank(), name(rank));
  absence = {};
}

/// Takes in what the last probe found; true: that the process is gone.
bool ZmqChannel::probe_tells_end(int rank) {
  Absence& absence = peer(rank).absence;
  if (!absence.probe) return false;
  const auto outcome = absence.probe->outcome();
  if (outcome) absence.probe.reset();
  if (outcome == Probe::Outcome::spoke) {
    const Deadline anew = settings_.grace + dialed_again_within;
    absence.lost_at = anew.sooner(absence.lost_by);
  }
  return outcome == Probe::Outcome::refused;
}

void ZmqChannel::look_at_absence(int rank) {
  Peer& there = peer(rank);
  Absence& absence = there.absence;
  if (probe_tells_end(rank)) {
    lose(rank,
         "its process is gone: its connection closed without a goodbye, and its host refuses "
         "others");
    return;
  }
  if (absence.look_at.expired()) {
    const bool first = absence.look_at.is_poll();
    absence.look_at = look_for_absent_each;
    if (!absence.probe && !there.probed_at.empty()) {
      absence.probe = std::make_unique<Probe>(there.probed_at, probe_limit, Probe::Until::spoke);
    }
    if (!first && !std::exchange(absence.reported, true)) {
      log().warn("rank {}: the connection to {} broke; it has {} ms to come back", this->rank(),
                 name(rank), settings_.grace.count());
    }
    if (first) look_at_absence(rank);
  }
  if (absence.lost_at.expired()) {
    lose(rank, fmt::format("it was out of reach for {} ms (--grace)", settings_.grace.count()));
  }
}

void ZmqChannel::lose(int rank, const std::string& reason) {
  if (is_master()) {
    depart(rank, true, reason);
  } else {
    lose_world(
        fmt::format("the master, through which ranks hear of each other, is lost: {}", reason));
  }
}

}  // namespace rankwire::zmq_wire

#include "links/dialer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "reach/address.hpp"
#include "reach/busy_host.hpp"

namespace rankwire::zmq_wire {
namespace {

using Clock = Deadline::Clock;

/// No link is relayed before this time: whatever ended a connection may be over soon, or the master
/// may report it.
constexpr std::chrono::milliseconds dial_patience{2000};
constexpr std::chrono::milliseconds look_for_way_interval{1000};
constexpr int first_look_max = 3;  // the first look comes after up to so many intervals
/// This many probes in a row must find the way closed. More must find a host that accepts and says
/// nothing: a very busy host does that, too.
constexpr int closed_max = 2, mute_max = 10;
/// When this rank closes, one such probe is enough, and comes sooner: other ranks give it only the
/// grace, and its linger may be over before.
constexpr int mute_leaving_max = 1;
constexpr std::chrono::milliseconds look_for_way_leaving_interval{250};
/// This many handshakes in a row must fail.
constexpr int failures_max = 3;
constexpr std::size_t probes_max = 8;
/// If all ranks of a large world dial all others at once, the handshakes share the hosts, and each
/// would take longer than it may. So only this many are begun at a time; a dial that takes longer
/// than dial_alone does not count any more.
constexpr int dials_max = 16;
constexpr std::chrono::milliseconds dial_alone{2000};
/// On a busy host (busy_host.hpp) each dial and each probe makes it busier. So there are as many
/// times fewer of them, and they take as many times longer.
constexpr int crowd_max = 16;
/// The pauses before the direct way is tried again, and how long a trial lasts.
constexpr std::chrono::milliseconds pause_first{250}, pause_last{60'000}, trial{10'000};
/// Where to dial a worker. Empty if that cannot be found out here. In a world over ipc, all workers
/// listen over ipc.
std::string numeric_endpoint_of(const Member& member, bool over_ipc) {
  try {
    const Endpoint there = parse_endpoint(member.endpoint);
    if (there.is_ipc() != over_ipc) return {};
    // A loopback address of another host would lead to some process on this one.
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

Dialer::Dialer(Wire& wire, LinkTable& links, const Roster& roster, const Settings& settings,
               LookTime& looks, int host_ranks)
    : wire_{wire},
      links_{links},
      roster_{roster},
      settings_{settings},
      looks_{looks},
      crowd_{times_longer(host_ranks, crowd_max)},
      ways_{roster.size()} {}

Link& Dialer::link_to(int dest) {
  if (Link* const link = links_.out(dest)) return *link;
  Link& link = links_.add_out(dest);
  if (roster_.knows(dest)) {
    find_way(dest);
  } else {
    links_.out(0)->send({.kind = Kind::ask, .tag = static_cast<std::uint32_t>(dest)}, {});
  }
  return link;
}

void Dialer::is_known(int rank) {
  find_way(rank);
}

void Dialer::find_way(int rank) {
  const Link* const link = links_.out(rank);
  if (link == nullptr || link->is_attached() || !roster_.knows(rank)) return;
  const Way& way = of(rank);
  if (way.direct != 0 || way.relayed) return;
  if (!way.sent_back && links_.can_send_back(rank)) {
    send_back(rank);
  } else {
    dial_in_turn(rank);
  }
}

/// Sends over the connection that `dest` has dialed. Only once: if that breaks, it may be since
/// what is sent this way does not pass. Then this rank dials, and sees for itself.
void Dialer::send_back(int dest) {
  Link& link = *links_.out(dest);
  const ConnectionId back = way_back(links_.from(dest)->connection());
  links_.lead(back, link);
  links_.call(link, back);
  Way& way = of(dest);
  way.sent_back = true;
  way.unproven_since.reset();
  note_reached(way);
}

void Dialer::note_reached(Way& way) {
  if (!std::exchange(way.reached, true)) ++reached_;
}

void Dialer::dial_in_turn(int dest) {
  if (std::find(to_dial_.begin(), to_dial_.end(), dest) == to_dial_.end()) to_dial_.push_back(dest);
  dial_next();
}

/// Dials the workers whose turn it is. What is sent to the others is kept.
void Dialer::dial_next() {
  std::erase_if(dials_, [](const auto& dial) { return dial.second.expired(); });
  while (!to_dial_.empty() && std::ssize(dials_) < dials_max / crowd_) {
    const int dest = to_dial_.front();
    to_dial_.pop_front();
    Link* const link = links_.out(dest);
    Way& way = of(dest);
    if (link == nullptr || link->is_attached() || way.direct != 0 || way.relayed) continue;
    way.endpoint = numeric_endpoint_of(roster_[dest], is_ipc(roster_[0].endpoint));
    if (way.endpoint.empty()) {
      relay_from_now(dest, "its address leads nowhere from here");
      continue;
    }
    dials_.emplace_back(dest, crowd_ * dial_alone);
    dial_direct(dest);
    links_.call(*link, way.direct);  // its socket keeps it until the connection stands
    way.said = true;
    way.unproven_since = Clock::now();
    look_for_way(dest, std::min(crowd_, first_look_max) * look_for_way_interval);
  }
  if (!to_dial_.empty()) looks_.begin();
}

/// `rank` is reached, or will not be soon: it is the turn of another.
void Dialer::end_dial(int rank) {
  std::erase_if(dials_, [rank](const auto& dial) { return dial.first == rank; });
}

void Dialer::dial_direct(int dest) {
  Way& way = of(dest);
  // What the other one sends back is no larger than what it would send to the listener here.
  way.direct = wire_.dial(way.endpoint, frame_bytes_max(wire_.piece_bytes()), roster_[dest].key);
  links_.lead(way.direct, *links_.out(dest));
}

void Dialer::hang_up_direct(int dest) {
  Way& way = of(dest);
  if (way.direct != 0) links_.unlink(std::exchange(way.direct, 0));
  way.said = false;
  way.stands_since.reset();
}

void Dialer::look_for_way(int dest, std::chrono::milliseconds from_now) {
  of(dest).look_at = from_now;
  looked_at_.insert(dest);
  looks_.begin();
}

void Dialer::is_up(Link& link, ConnectionId connection, bool anew) {
  const int rank = link.rank();
  Way& way = of(rank);
  way.look_at = Deadline::never();
  way.probe.reset();
  way.closed = way.mute = 0;
  way.stands_since = Clock::now();
  end_dial(rank);
  note_reached(way);
  dial_next();
  const bool said = std::exchange(way.said, false) && !anew;
  if (way.relayed) {
    links_.try_call(link, connection);  // the master relays until that is answered
  } else if (!said) {
    links_.call(link, connection);
  }
}

/// The trial of the direct way was answered: uses it from now on.
void Dialer::go_direct(int rank) {
  Way& way = of(rank);
  way.relayed = false;
  way.unproven_since = Clock::now();
  links_.out(rank)->attach(links_.route(way.direct));
  if (returns_.admits()) {
    log().info("rank {} reaches {} directly again{}", roster_.self(), roster_.name(rank),
               returns_.end());
  }
}

void Dialer::note_frame(Link& link, ConnectionId connection, Kind kind) {
  Way& way = of(link.rank());
  if (way.relayed && connection == way.direct && kind != Kind::reject) go_direct(link.rank());
  if (!link.carries() || &link != links_.out(link.rank())) return;
  way.unproven_since.reset();
  way.failures = 0;
}

void Dialer::is_down(int rank) {
  Way& way = of(rank);
  const auto now = Clock::now();
  const auto stood = way.stands_since ? now - *way.stands_since : Clock::duration{};
  way.stands_since.reset();
  if (way.relayed) {
    try_again_later(rank);
    return;
  }
  const bool proven = !way.unproven_since || stood >= proven_after(settings_);
  if (proven) {
    way.unproven_since = now;
    way.pause = way.pause.zero();
  } else if (stood >= barren_after(settings_) &&
             now - *way.unproven_since >= crowd_ * dial_patience) {
    relay_from_now(rank, "connections stand, and nothing comes through");
    return;
  }
  look_for_way(rank, look_for_way_interval);
}

void Dialer::handshake_failed(int rank) {
  Way& way = of(rank);
  ++way.failures;
  if (way.relayed) try_again_later(rank);
}

void Dialer::leads_elsewhere(int rank, const std::string& text) {
  of(rank).endpoint.clear();
  relay_from_now(rank, text);
}

void Dialer::look() {
  dial_next();
  std::erase_if(looked_at_, [this](int rank) { return of(rank).look_at.is_never(); });
  probes_ = static_cast<std::size_t>(
      std::count_if(looked_at_.begin(), looked_at_.end(),
                    [this](int rank) { return of(rank).probe != nullptr; }));
  const std::vector<int> ranks{looked_at_.begin(), looked_at_.end()};
  for (const int rank : ranks) look_at(rank);
}

bool Dialer::needs_look() const {
  return !to_dial_.empty() || !looked_at_.empty();
}

/// Looks at a rank that is not reached directly: whether the way to it is closed, or open again.
void Dialer::look_at(int rank) {
  Way& way = of(rank);
  if (way.look_at.is_never()) return;
  if (way.probe) {
    const auto outcome = way.probe->outcome();
    if (!outcome) return;
    const std::string text = way.probe->text();
    way.probe.reset();
    if (way.relayed) {
      way_was_probed(rank, *outcome);
    } else {
      count_evidence(rank, *outcome, text);
    }
  } else if (way.look_at.expired()) {
    if (way.relayed && way.direct != 0) {
      try_again_later(rank);  // the trial did not come about
    } else if (probes_ < probes_max) {
      ++probes_;
      way.probe = std::make_unique<Probe>(way.endpoint, probe_limit, Probe::Until::spoke,
                                          crowd_ * probe_limit);
    }
  }
}

void Dialer::count_evidence(int rank, Probe::Outcome outcome, const std::string& text) {
  Way& way = of(rank);
  const bool closed = outcome == Probe::Outcome::refused || outcome == Probe::Outcome::silent;
  if (closed) end_dial(rank);
  way.closed = closed ? way.closed + 1 : 0;
  way.mute = outcome == Probe::Outcome::mute ? way.mute + 1 : 0;
  const bool patient = Clock::now() - *way.unproven_since < crowd_ * dial_patience;
  const bool is_closed =
      way.closed >= closed_max || way.mute >= (leaving_ ? mute_leaving_max : mute_max);
  if (!patient && (is_closed || way.failures >= failures_max)) {
    relay_from_now(rank, is_closed ? text : "no handshake comes about");
  } else {
    look_for_way(rank, leaving_ ? look_for_way_leaving_interval : look_for_way_interval);
  }
}

void Dialer::hurry() {
  leaving_ = true;
  for (const int rank : looked_at_) {
    Way& way = of(rank);
    if (!way.relayed && !way.look_at.is_never()) way.look_at = std::chrono::milliseconds::zero();
  }
}

void Dialer::stop_looking(int rank) {
  end_dial(rank);
  std::erase(to_dial_, rank);
  if (looked_at_.erase(rank) == 0) return;
  of(rank).look_at = Deadline::never();
  of(rank).probe.reset();
}

void Dialer::way_was_probed(int rank, Probe::Outcome outcome) {
  if (outcome == Probe::Outcome::spoke) {
    dial_direct(rank);
    look_for_way(rank, trial);
  } else {
    try_again_later(rank);
  }
}

void Dialer::try_again_later(int rank) {
  Way& way = of(rank);
  hang_up_direct(rank);
  way.pause = std::clamp(2 * way.pause, pause_first, pause_last);
  look_for_way(rank, way.pause);
}

/// From now on the master relays what goes to `dest`.
void Dialer::relay_from_now(int dest, const std::string& why) {
  Way& way = of(dest);
  hang_up_direct(dest);
  way.closed = way.mute = way.failures = 0;
  way.relayed = true;
  if (relays_.admits()) {
    log().warn("rank {} cannot reach {} at {} ({}): the master relays what it sends there{}",
               roster_.self(), roster_.name(dest), roster_[dest].endpoint, why, relays_.end());
  }
  Link& link = *links_.out(dest);
  links_.lead(Relay::number(dest, false), link);
  links_.call(link, Relay::number(dest, false));
  if (way.endpoint.empty()) {
    way.look_at = Deadline::never();
  } else {
    try_again_later(dest);
  }
}

}  // namespace rankwire::zmq_wire

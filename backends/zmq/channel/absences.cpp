#include "channel/absences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rankwire/backend/log.hpp"
#include "sockets/silence.hpp"

namespace rankwire::zmq_wire {
namespace {

/// How often a rank that is out of reach is probed.
constexpr std::chrono::milliseconds probe_interval{250};
/// The grace is longer by this. If the network is back just before the grace ends, the next attempt
/// to dial may come so much later: an earlier attempt was under way when the network was cut, and
/// the system sends its first packet again after a second.
constexpr std::chrono::milliseconds dialed_again_within{1500};
/// A worker that dials a master which answers probes again and again gives up after this many
/// graces. Coming back takes less anywhere.
constexpr int graces_max = 4;
/// This many connections in a row must carry nothing. Fewer may break while the other program
/// computes.
constexpr int barren_least = 3;

}  // namespace

void Absences::probe_first(int rank, std::unique_ptr<Probe>&& probe) {
  of(rank).first_probe = std::move(probe);
  look_at_first_probe(of(rank), rank);
}

void Absences::look_at_first_probe(Rank& there, int rank) {
  if (!there.first_probe) return;
  const auto outcome = there.first_probe->outcome();
  if (!outcome) {
    look_soon(rank);
    return;
  }
  if (*outcome == Probe::Outcome::accepted) there.probed_at = roster_[rank].endpoint;
  there.first_probe.reset();
}

std::optional<std::string> Absences::begin(int rank, bool has_left) {
  if (bears_nothing(of(rank).bearing)) {
    return fmt::format(
        "connections to it stood, and no frame came through for {} ms (--grace): does the network "
        "drop large packets?",
        settings_.grace.count());
  }
  Absence& absence = of(rank).absence;
  if (absence.is_running()) return std::nullopt;
  absence.lost_at = settings_.grace + dialed_again_within;
  // A worker that answers probes may compute for as long as it likes, so only the master has a last
  // moment.
  if (!roster_.is_master()) absence.lost_by = graces_max * settings_.grace + dialed_again_within;
  absence.look_at = Deadline::poll();
  absence.has_left = has_left;
  look_soon(rank);
  return look_at(rank);
}

void Absences::stands(int rank) {
  Rank& there = of(rank);
  there.bearing.stands_since = Deadline::Clock::now();
  there.bearing.carried = false;
  if (there.absence.reported && returns_.admits()) {
    log().info("rank {}: {} is within reach again{}", roster_.self(), roster_.name(rank),
               returns_.end());
  }
  there.absence = {};
}

/// To be called when a connection broke. Whether it was one of several in a row, over the length of
/// the grace, that carried nothing although they stood for as long as it takes to notice that.
bool Absences::bears_nothing(Bearing& bearing) const {
  if (!bearing.stands_since) return false;
  const auto since = *std::exchange(bearing.stands_since, std::nullopt);
  const auto now = Deadline::Clock::now();
  if (bearing.carried || now - since >= proven_after(settings_)) {
    bearing.barren_since.reset();
    bearing.barren = 0;
  } else if (now - since >= barren_after(settings_)) {
    ++bearing.barren;
    // The connection before was stuck for the time of the silence, which was not noticed.
    if (!bearing.barren_since) {
      bearing.barren_since = since - (barren_after(settings_) - std::chrono::seconds{1});
      return false;
    }
    return bearing.barren >= barren_least && now - *bearing.barren_since >= settings_.grace;
  }
  return false;
}

std::vector<Absences::Loss> Absences::look() {
  std::vector<Loss> lost;
  const std::vector<int> ranks{looked_at_.begin(), looked_at_.end()};
  for (const int rank : ranks) {
    look_at_first_probe(of(rank), rank);
    if (is_absent(rank)) {
      if (auto reason = look_at(rank)) lost.push_back({rank, std::move(*reason)});
    } else if (!of(rank).first_probe) {
      looked_at_.erase(rank);
    }
  }
  return lost;
}

/// Takes the outcome of the last probe. True if it shows that the process is gone.
bool Absences::probe_tells_end(Absence& absence) const {
  if (!absence.probe) return false;
  const auto outcome = absence.probe->outcome();
  if (outcome) absence.probe.reset();
  if (outcome == Probe::Outcome::spoke) {
    const Deadline anew = settings_.grace + dialed_again_within;
    absence.lost_at = anew.sooner(absence.lost_by);
  }
  return outcome == Probe::Outcome::refused;
}

/// Whether `rank`, which is out of reach, is lost; returns the reason if so. The first time it
/// looks twice, so that it sees the outcome of the probe that it begins: most hosts refuse within
/// microseconds.
std::optional<std::string> Absences::look_at(int rank) {
  Rank& there = of(rank);
  Absence& absence = there.absence;
  while (true) {
    if (probe_tells_end(absence)) {
      return "its process is gone: its connection closed without a goodbye, and its host refuses "
             "others";
    }
    if (!absence.look_at.expired()) break;
    const bool first = absence.look_at.is_poll();
    absence.look_at = probe_interval;
    if (!absence.probe && !there.probed_at.empty()) {
      absence.probe = std::make_unique<Probe>(there.probed_at, probe_limit, Probe::Until::spoke);
    }
    if (!first) {
      if (!absence.has_left && !std::exchange(absence.reported, true) && breaks_.admits()) {
        log().warn("rank {}: the connection to {} broke; it has {} ms to come back{}",
                   roster_.self(), roster_.name(rank), settings_.grace.count(), breaks_.end());
      }
      break;
    }
  }
  if (!absence.lost_at.expired()) return std::nullopt;
  return fmt::format("it was out of reach for {} ms (--grace)", settings_.grace.count());
}

}  // namespace rankwire::zmq_wire

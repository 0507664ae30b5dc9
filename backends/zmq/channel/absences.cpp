#include "channel/absences.hpp"

#include <fmt/format.h>

#include <utility>

#include "rankwire/backend/log.hpp"
#include "sockets/silence.hpp"

namespace rankwire::zmq_wire {
namespace {

/// How often a rank that is out of reach is probed.
constexpr std::chrono::milliseconds probe_interval{250};
/// A worker that dials a master which answers probes again and again gives up after this many
/// graces. Coming back takes less anywhere.
constexpr int graces_max = 4;

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

std::optional<std::string> Absences::begin(int rank, bool has_left, bool by_signs) {
  Absence& absence = of(rank).absence;
  if (absence.running) return std::nullopt;
  absence.running = true;
  if (!by_signs) {
    absence.lost_at = settings_.grace + dialed_again_within;
    // A worker that answers probes may compute for as long as it likes, so only the master has a
    // last moment.
    if (!roster_.is_master()) absence.lost_by = graces_max * settings_.grace + dialed_again_within;
  }
  absence.look_at = Deadline::poll();
  absence.has_left = has_left;
  look_soon(rank);
  return look_at(rank);
}

void Absences::stands(int rank) {
  Rank& there = of(rank);
  if (there.absence.reported && returns_.admits()) {
    log().info("rank {}: {} is within reach again{}", roster_.self(), roster_.name(rank),
               returns_.end());
  }
  there.absence = {};
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
  if (outcome == Probe::Outcome::spoke && !absence.lost_at.is_never()) {
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

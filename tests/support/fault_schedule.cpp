#include "fault_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace support {
namespace {

using Kind = Fault::Kind;
using std::chrono::milliseconds;

constexpr std::uint64_t long_stretch_bytes = std::uint64_t{128} << 10;
/// What ends connections costs at least the time to dial again.
constexpr milliseconds redial{150};
constexpr milliseconds outage_min{10};
/// Where a stretch is limited in time, too.
constexpr milliseconds short_stretch{50}, long_stretch{1000};

/// Numbers from a seed. The distributions of the standard library differ between its makers.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{seed} {}
  std::uint64_t below(std::uint64_t end) { return end == 0 ? 0 : engine_() % end; }
  /// 0..`max`, each order of magnitude as likely as the next.
  std::uint64_t any_magnitude(std::uint64_t max) {
    int bits = 0;
    while (bits < 63 && (max >> bits) > 0) ++bits;
    return below(std::min(max, std::uint64_t{1} << below(static_cast<std::uint64_t>(bits) + 1)) +
                 1);
  }
  milliseconds upto(milliseconds max) {
    return milliseconds{below(static_cast<std::uint64_t>(std::max(max, milliseconds{0}).count()))};
  }

 private:
  std::mt19937_64 engine_;
};

bool ends_connections(Kind kind) {
  return kind == Kind::cut || kind == Kind::reset || kind == Kind::half_up ||
         kind == Kind::half_down;
}

bool lets_nothing_pass(Kind kind) {
  return kind == Kind::stall || kind == Kind::cut || kind == Kind::reset;
}

Kind any_kind(Dice& dice) {
  // Cuts are what a transport is most likely to get wrong: twice the chance.
  constexpr std::array kinds{Kind::delay,      Kind::throttle,  Kind::stall,   Kind::stall_up,
                             Kind::stall_down, Kind::stall_old, Kind::half_up, Kind::half_down,
                             Kind::cut,        Kind::cut,       Kind::reset};
  return kinds[dice.below(kinds.size())];
}

Fault any_fault(Dice& dice, const FaultParameters& with) {
  Fault fault;
  fault.kind = any_kind(dice);
  fault.sound_bytes = dice.any_magnitude(with.sound_bytes_max);
  fault.duration = outage_min + dice.upto(with.outage_max - redial - outage_min);
  // Half of the cuts are over as soon as they have come.
  if (ends_connections(fault.kind) && dice.below(2) == 0) fault.duration = milliseconds{0};
  if (fault.kind == Kind::delay) fault.held = outage_min + dice.upto(milliseconds{100});
  if (fault.kind == Kind::throttle) fault.bytes_per_s = 50'000 + dice.any_magnitude(2'000'000);
  return fault;
}

/// Each ends what the one before let in, or what came of itself since; so they are no outage.
void add_cuts_in_a_row(Dice& dice, const FaultParameters& with, FaultSchedule& schedule) {
  constexpr std::array kinds{Kind::cut, Kind::cut, Kind::reset, Kind::half_up, Kind::half_down};
  for (auto left = dice.below(with.cuts_in_a_row_max) + 1; left > 0; --left) {
    Fault fault;
    fault.kind = kinds[dice.below(kinds.size())];
    fault.sound_bytes = UINT64_MAX;
    fault.sound_for = milliseconds{20} + dice.upto(milliseconds{780});
    if (dice.below(4) == 0) fault.duration = dice.upto(milliseconds{100});
    schedule.faults.push_back(fault);
  }
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes < 1024 ? fmt::format("{} B", bytes) : fmt::format("{} KiB", bytes / 1024);
}

std::string kind_text(const Fault& fault) {
  switch (fault.kind) {
    case Kind::delay:
      return fmt::format("delay by {} ms", fault.held.count());
    case Kind::throttle:
      return fmt::format("throttle to {}/s", bytes_text(fault.bytes_per_s));
    case Kind::stall:
      return "stall";
    case Kind::stall_up:
      return "stall up";
    case Kind::stall_down:
      return "stall down";
    case Kind::stall_old:
      return "stall of what stands";
    case Kind::cut:
      return "cut";
    case Kind::reset:
      return "reset";
    case Kind::half_up:
      return "half-open up";
    case Kind::half_down:
      return "half-open down";
    case Kind::flip_up:
      return fmt::format("bit {} changed up", fault.bit);
    case Kind::flip_down:
      return fmt::format("bit {} changed down", fault.bit);
  }
  return "?";
}

}  // namespace

std::string FaultSchedule::text() const {
  std::string line = fmt::format("fault schedule seed {}:", seed);
  for (const auto& fault : faults) {
    const bool by_time = fault.sound_for > milliseconds{0};
    line += fmt::format(" {}{}{} sound, {} for {} ms,",
                        fault.sound_bytes == UINT64_MAX ? "" : bytes_text(fault.sound_bytes),
                        by_time && fault.sound_bytes != UINT64_MAX ? " or " : "",
                        by_time ? fmt::format("{} ms", fault.sound_for.count()) : "",
                        kind_text(fault), fault.duration.count());
  }
  return line + " then sound";
}

FaultSchedule make_schedule(std::uint64_t seed, const FaultParameters& with) {
  Dice dice{seed};
  FaultSchedule schedule{seed, {}};
  milliseconds outage{0};
  const bool by_time = with.cuts_in_a_row_max > 0;
  while (schedule.faults.size() < with.faults) {
    if (by_time && dice.below(2) == 0) {
      add_cuts_in_a_row(dice, with, schedule);
      outage = with.outage_max;  // the next one keeps its distance
    }
    Fault fault = any_fault(dice, with);
    fault.sound_for = by_time ? short_stretch : milliseconds{0};
    if (fault.sound_bytes >= long_stretch_bytes) outage = milliseconds{0};
    outage += fault.sound_for + fault.duration +
              (ends_connections(fault.kind) ? redial : milliseconds{0});
    if (outage > with.outage_max) {
      fault.sound_bytes = long_stretch_bytes + fault.sound_bytes;
      outage = fault.duration + redial;
    }
    if (by_time && fault.sound_bytes >= long_stretch_bytes) fault.sound_for = long_stretch;
    schedule.faults.push_back(fault);
  }
  if (with.last_outage > milliseconds{0} && !schedule.faults.empty()) {
    Fault& last = schedule.faults.back();
    while (!lets_nothing_pass(last.kind)) last.kind = any_kind(dice);
    last.duration = with.last_outage;
  }
  return schedule;
}

}  // namespace support

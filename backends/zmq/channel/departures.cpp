#include "channel/departures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sockets/silence.hpp"

namespace rankwire::zmq_wire {
namespace {

/// This many news of later processes of a rank may wait behind a departure.
constexpr std::size_t later_max = 100;

}  // namespace

void Departures::begin(const Departed& departed) {
  const int rank = departed.rank;
  if (ledger_.mailbox().departure(rank)) return;
  ledger_.depart_after(rank, departed.lost ? Departure::Kind::lost : Departure::Kind::left,
                       departed.reason, departed.lost ? Ledger::unknown : departed.messages_to_you);
  of(rank).by = settings_.grace;
  heard_from(rank);
}

/// A message of the departing rank came, or its departure begins: sets how long the next one is
/// awaited. A rank that closes stays for its linger, and its sockets for that long again. A rank
/// that is lost gets the grace in all, since it may live and send for ever.
void Departures::heard_from(int rank) {
  Rank& there = of(rank);
  const bool lost = ledger_.departing(rank)->kind == Departure::Kind::lost;
  there.until = lost ? there.by.sooner(silence_max(settings_))
                     : Deadline{std::max(settings_.grace, 2 * settings_.linger)};
  looks_.begin();
}

std::optional<Departures::End> Departures::finished(int rank, bool nothing_comes) const {
  const Ledger::Departing& departing = *ledger_.departing(rank);
  const bool lost = departing.kind == Departure::Kind::lost;
  const bool all_here = lost ? nothing_comes : ledger_.come(rank) >= departing.messages;
  if (!all_here) return std::nullopt;
  return End{departing.kind, departing.reason};
}

Departures::End Departures::give_up(int rank) const {
  const Ledger::Departing& departing = *ledger_.departing(rank);
  if (departing.kind == Departure::Kind::lost) return {departing.kind, departing.reason};
  return {Departure::Kind::lost,
          fmt::format("{}; {} messages it had sent here never came", departing.reason,
                      departing.messages - ledger_.come(rank))};
}

bool Departures::tell_later(int rank, Told&& told) {
  Rank& there = of(rank);
  there.later.push_back(std::move(told));
  looks_.begin();
  return !is_departing(rank) || there.later.size() <= later_max;
}

std::optional<Departures::Told> Departures::take_later(int rank) {
  Rank& there = of(rank);
  if (is_departing(rank) || there.later.empty()) return std::nullopt;
  Told told = std::move(there.later.front());
  there.later.pop_front();
  return told;
}

void Departures::depart(int rank) {
  Rank& there = of(rank);
  there.departed = true;
  there.until = Deadline::never();
}

void Departures::begin_anew(int rank) {
  Rank fresh;
  fresh.later = std::move(of(rank).later);
  of(rank) = std::move(fresh);
}

bool Departures::needs_look() const {
  return ledger_.awaits_departures() ||
         std::any_of(ranks_.begin(), ranks_.end(),
                     [](const Rank& there) { return !there.later.empty(); });
}

}  // namespace rankwire::zmq_wire

#include "channel/departures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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
                     : Deadline{patience_ * std::max(settings_.grace, 2 * settings_.linger)};
  await(rank);
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
  await(rank);
  return !is_departing(rank) || there.later.size() <= later_max;
}

std::optional<Departures::Told> Departures::take_later(int rank) {
  if (is_departing(rank) || std::as_const(*this).of(rank).later.empty()) return std::nullopt;
  std::vector<Told>& later = of(rank).later;
  Told told = std::move(later.front());
  later.erase(later.begin());
  if (later.empty()) awaited_.erase(rank);
  return told;
}

void Departures::depart(int rank) {
  Rank& there = of(rank);
  there.departed = true;
  there.until = Deadline::never();
  if (there.later.empty()) awaited_.erase(rank);
}

void Departures::begin_anew(int rank) {
  Rank fresh;
  fresh.later = std::move(of(rank).later);
  of(rank) = std::move(fresh);
}

std::vector<int> Departures::awaited() const {
  std::vector<int> ranks;
  std::copy_if(awaited_.begin(), awaited_.end(), std::back_inserter(ranks),
               [this](int rank) { return is_awaited(rank); });
  return ranks;
}

bool Departures::needs_look() const {
  return std::any_of(awaited_.begin(), awaited_.end(),
                     [this](int rank) { return is_awaited(rank); });
}

}  // namespace rankwire::zmq_wire

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "links/look_time.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/ledger.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"

namespace rankwire::zmq_wire {

/// Who departs, as a worker is told by the master. What the master tells of a worker may overtake
/// that worker's own link: so a departure is awaited until all has come that the rank had sent here
/// before, and what is told of its rank meanwhile waits behind it.
class Departures {
 public:
  /// What the master tells of a rank: a new process has it, or the one that had it has departed.
  using Told = std::variant<Member, Departed>;
  /// How a departure that was awaited ends.
  struct End {
    Departure::Kind kind = Departure::Kind::lost;
    std::string reason;
  };

  /// `ledger`, which counts what comes, and `settings` outlive this. `looks` is when is_late() may
  /// become true.
  Departures(int ranks, Ledger& ledger, const Settings& settings, LookTime& looks)
      : ledger_{ledger},
        settings_{settings},
        looks_{looks},
        ranks_(static_cast<std::size_t>(ranks)) {}

  /// Whether a departure is awaited, or something waits behind one.
  [[nodiscard]] bool is_awaited(int rank) const {
    return is_departing(rank) || !of(rank).later.empty();
  }
  [[nodiscard]] bool is_departing(int rank) const { return ledger_.departing(rank) != nullptr; }
  /// Begins to await what `departed.rank` has sent; nothing, where it has departed.
  void begin(const Departed& departed);
  /// A message of the departing rank has come.
  void heard_from(int rank);
  /// How the departure ends, once all has come; `nothing_comes`: over the rank's own connection.
  [[nodiscard]] std::optional<End> finished(int rank, bool nothing_comes) const;
  /// Whether it was awaited for long enough.
  [[nodiscard]] bool is_late(int rank) const { return of(rank).until.expired(); }
  /// How it ends without what has not come.
  [[nodiscard]] End give_up(int rank) const;

  /// Something is told of a rank whose departure is awaited. False: so much waits that the
  /// departure is to be given up.
  [[nodiscard]] bool tell_later(int rank, Told&& told);
  /// Takes out what waits behind a departure that is over; nothing where there is none.
  [[nodiscard]] std::optional<Told> take_later(int rank);
  void forget_later(int rank) { of(rank).later.clear(); }

  /// The rank has departed, as the mailbox says, which is for the program's thread alone.
  void depart(int rank);
  [[nodiscard]] bool has_departed(int rank) const { return of(rank).departed; }
  /// Another process has the rank. What waits stays.
  void begin_anew(int rank);
  /// Whether there is something to look at.
  [[nodiscard]] bool needs_look() const;

 private:
  struct Rank {
    bool departed = false;
    Deadline until = Deadline::never();  // for the next of what it had sent
    Deadline by = Deadline::never();     // if it is lost, whatever comes
    std::deque<Told> later;  // of the processes that have the rank after the one that departs
  };
  [[nodiscard]] Rank& of(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Rank& of(int rank) const { return ranks_[static_cast<std::size_t>(rank)]; }

  Ledger& ledger_;
  const Settings& settings_;
  LookTime& looks_;
  std::vector<Rank> ranks_;
};

}  // namespace rankwire::zmq_wire

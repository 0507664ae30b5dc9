#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "links/look_time.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/ledger.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "reach/busy_host.hpp"

namespace rankwire::zmq_wire {

/// Ranks that depart, as the master tells a worker. What the master tells of another worker may
/// overtake frames on that worker's own link. So a departure is awaited until everything has come
/// that the rank had sent here. Further news of the rank wait behind it meanwhile.
class Departures {
 public:
  /// What the master tells of a rank: a new process has it (Member), or its process has departed
  /// (Departed).
  using Told = std::variant<Member, Departed>;
  /// How a departure ends that was awaited.
  struct End {
    Departure::Kind kind = Departure::Kind::lost;
    std::string reason;
  };

  /// `ledger` counts the messages that come. It and `settings` outlive this. `looks` says when
  /// is_late() may become true.
  Departures(int ranks, Ledger& ledger, const Settings& settings, LookTime& looks)
      : ledger_{ledger}, settings_{settings}, looks_{looks}, ranks_{ranks} {}
  /// This host has so many ranks. If they are many, what a rank that closes has sent may take
  /// longer.
  void share_host(int ranks) { patience_ = patience_of(ranks); }

  /// Whether a departure of `rank` is awaited, or news wait behind one.
  [[nodiscard]] bool is_awaited(int rank) const {
    return is_departing(rank) || !of(rank).later.empty();
  }
  [[nodiscard]] bool is_departing(int rank) const { return ledger_.departing(rank) != nullptr; }
  /// Begins to await what `departed.rank` has sent. Does nothing if the rank has departed already.
  void begin(const Departed& departed);
  /// A message of the departing rank has come.
  void heard_from(int rank);
  /// How the departure ends, once all messages have come. `nothing_comes`: nothing more can come
  /// over the rank's own connection.
  [[nodiscard]] std::optional<End> finished(int rank, bool nothing_comes) const;
  /// Whether the departure was awaited for long enough.
  [[nodiscard]] bool is_late(int rank) const { return of(rank).until.expired(); }
  /// How the departure ends if the missing messages are given up.
  [[nodiscard]] End give_up(int rank) const;

  /// The master tells something of a rank whose departure may be awaited. Returns false if so much
  /// waits that the departure must be given up.
  [[nodiscard]] bool tell_later(int rank, Told&& told);
  /// Removes and returns the next news that waited behind a departure which is over. Nothing if
  /// there is none.
  [[nodiscard]] std::optional<Told> take_later(int rank);
  void forget_later(int rank) {
    if (is_awaited(rank)) of(rank).later.clear();
  }
  /// The ranks whose departure is awaited, or of which news wait.
  [[nodiscard]] std::vector<int> awaited() const;

  /// The rank has departed. The mailbox knows this, too, but only the program's thread may ask it.
  void depart(int rank);
  [[nodiscard]] bool has_departed(int rank) const { return of(rank).departed; }
  /// Another process has the rank. News that wait stay.
  void begin_anew(int rank);
  /// Whether there is something to look at.
  [[nodiscard]] bool needs_look() const;

 private:
  struct Rank {
    bool departed = false;
    Deadline until = Deadline::never();  // when its next message must have come
    Deadline by = Deadline::never();     // when it departs at the latest, if it is lost
    std::vector<Told> later;             // news that wait behind the departure
  };
  [[nodiscard]] Rank& of(int rank) { return ranks_.at(rank); }
  [[nodiscard]] const Rank& of(int rank) const { return ranks_[rank]; }
  void await(int rank) {
    awaited_.insert(rank);
    looks_.begin();
  }

  Ledger& ledger_;
  const Settings& settings_;
  int patience_ = 1;
  LookTime& looks_;
  RankTable<Rank> ranks_;
  std::set<int> awaited_;  // those that await something, and perhaps some that did
};

}  // namespace rankwire::zmq_wire

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "reach/probe.hpp"
#include "sockets/log_limit.hpp"

namespace rankwire::zmq_wire {

/// Which ranks are without a connection. The master watches the workers so, and a worker the
/// master.
///
/// If the host of such a rank says that nobody listens there any more, the rank is lost at once.
/// Else its signs of life tell how long it is waited for (Signs). A rank that gives none, since its
/// channel has no thread, has the grace from the end of its connection on. That begins anew with
/// each probe that its libzmq answers: it may compute. A worker treats such a master the same way,
/// but for four times the grace at most.
class Absences {
 public:
  /// A rank that is lost, and why.
  struct Loss {
    int rank = 0;
    std::string reason;
  };

  /// `roster` and `settings` outlive this. `looks` says when look() is due.
  Absences(const Roster& roster, const Settings& settings, LookTime& looks)
      : roster_{roster}, settings_{settings}, looks_{looks}, ranks_{roster.size()} {}

  /// `rank` listens at `endpoint`, and can be reached there. From now on, if that is refused, its
  /// process is gone.
  void probe_at(int rank, std::string&& endpoint) { of(rank).probed_at = std::move(endpoint); }
  /// At the master, when the worker `rank` has joined: `probe` tries the endpoint at which it
  /// listens. If the worker accepts, this does the same as probe_at() for that endpoint. If it does
  /// not, or `probe` is null, its endpoint is never probed.
  void probe_first(int rank, std::unique_ptr<Probe>&& probe);

  /// The connection with `rank` broke. Returns the reason if the rank is lost by that. No line of
  /// the log is written about it if that was to be expected: if the rank `has_left`. `by_signs`:
  /// its signs of life tell how long it is waited for.
  [[nodiscard]] std::optional<std::string> begin(int rank, bool has_left, bool by_signs);
  /// A connection with `rank` stands (again).
  void stands(int rank);
  [[nodiscard]] bool is_absent(int rank) const { return of(rank).absence.running; }

  /// Looks at all ranks that are out of reach. Returns those that are lost now.
  [[nodiscard]] std::vector<Loss> look();
  /// Whether look() must be called again.
  [[nodiscard]] bool needs_look() const { return !looked_at_.empty(); }

  /// The connections with `rank` were ended.
  void forget(int rank) {
    if (ranks_.has(rank)) of(rank).absence = {};
  }
  /// Another process has the rank now.
  void begin_anew(int rank) { ranks_.forget(rank); }

 private:
  struct Absence {
    bool running = false;
    Deadline lost_at = Deadline::never();  // never: its signs of life tell
    Deadline lost_by = Deadline::never();  // lost then, however often it answers meanwhile
    Deadline look_at = Deadline::never();  // when the next probe is made
    std::unique_ptr<Probe> probe;
    bool reported = false;
    bool has_left = false;
  };
  struct Rank {
    Absence absence;
    std::string probed_at;  // its listener's address; empty: a refusal there means nothing
    std::unique_ptr<Probe> first_probe;  // at the master: whether it can be reached there
  };

  void look_at_first_probe(Rank& there, int rank);
  void look_soon(int rank) {
    looked_at_.insert(rank);
    looks_.begin();
  }
  [[nodiscard]] bool probe_tells_end(Absence& absence) const;
  [[nodiscard]] std::optional<std::string> look_at(int rank);
  [[nodiscard]] Rank& of(int rank) { return ranks_.at(rank); }
  [[nodiscard]] const Rank& of(int rank) const { return ranks_[rank]; }

  const Roster& roster_;
  const Settings& settings_;
  LookTime& looks_;
  RankTable<Rank> ranks_;
  std::set<int> looked_at_;  // those that look() must look at
  LogLimit breaks_{20}, returns_{20};
};

}  // namespace rankwire::zmq_wire

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "reach/probe.hpp"

namespace rankwire::zmq_wire {

/// Who is out of reach, and for how long. The master looks at the workers so, and a worker at the
/// master.
///
/// The master gives a worker the grace, from its connection's end or from when it was last heard:
/// each probe that its libzmq answers begins the grace anew. Where its host says that nobody
/// listens there any more, it is lost at once. A worker does the same with the master, for four
/// times the grace at most.
///
/// A network may pass handshakes, probes and PINGs, and drop all that is larger. So a connection
/// that stands again and again, for as long as it takes to notice that nothing passes, and carries
/// no frame where any is missing, is as good as none. Both ends know whether any is: they tell each
/// other how many they have sent.
class Absences {
 public:
  /// Who is lost, and why.
  struct Loss {
    int rank = 0;
    std::string reason;
  };

  /// `roster` and `settings` outlive this. `looks` is when look() is due.
  Absences(const Roster& roster, const Settings& settings, LookTime& looks)
      : roster_{roster},
        settings_{settings},
        looks_{looks},
        ranks_(static_cast<std::size_t>(roster.size())) {}

  /// That nobody listens at `endpoint`, where `rank` does, shows that its process is gone.
  void probe_at(int rank, std::string&& endpoint) { of(rank).probed_at = std::move(endpoint); }
  /// The same of a worker, if it accepts this connection, which was begun when it joined.
  void probe_first(int rank, std::unique_ptr<Probe>&& probe);

  /// The connection with `rank` broke. A reason: it is lost by that.
  [[nodiscard]] std::optional<std::string> begin(int rank);
  /// A connection with it stands (again).
  void stands(int rank);
  /// The connection that stands has carried what was missing.
  void carries(int rank) { of(rank).bearing.carried = true; }
  [[nodiscard]] bool has_carried(int rank) const { return of(rank).bearing.carried; }
  [[nodiscard]] bool is_absent(int rank) const { return of(rank).absence.is_running(); }

  /// Looks at all who are out of reach: who is lost now.
  [[nodiscard]] std::vector<Loss> look();
  /// Whether it is to be called again.
  [[nodiscard]] bool needs_look() const;

  /// The connections with `rank` are ended.
  void end(int rank) {
    of(rank).absence = {};
    of(rank).bearing = {};
  }
  /// Another process has the rank.
  void begin_anew(int rank) { of(rank) = {}; }

 private:
  struct Absence {
    Deadline lost_at = Deadline::never();
    Deadline lost_by = Deadline::never();  // however often it is heard meanwhile
    Deadline look_at = Deadline::never();  // for the next probe
    std::unique_ptr<Probe> probe;
    bool reported = false;

    [[nodiscard]] bool is_running() const { return !lost_at.is_never(); }
  };
  /// Whether connections with a rank carry frames.
  struct Bearing {
    std::optional<Deadline::Clock::time_point> stands_since;  // the one that stands again
    bool carried = true;                                      // it has carried what was missing
    std::optional<Deadline::Clock::time_point> barren_since;  // several have not
    int barren = 0;                                           // so many
  };
  struct Rank {
    Absence absence;
    Bearing bearing;
    std::string probed_at;  // its listener's address; empty: a refusal there would say nothing
    std::unique_ptr<Probe> first_probe;  // at the master: whether it can be reached there at all
  };

  void look_at_first_probe(Rank& there, int rank);
  [[nodiscard]] bool bears_nothing(Bearing& bearing) const;
  [[nodiscard]] bool probe_tells_end(Absence& absence) const;
  [[nodiscard]] std::optional<std::string> look_at(int rank);
  [[nodiscard]] Rank& of(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Rank& of(int rank) const { return ranks_[static_cast<std::size_t>(rank)]; }

  const Roster& roster_;
  const Settings& settings_;
  LookTime& looks_;
  std::vector<Rank> ranks_;
};

}  // namespace rankwire::zmq_wire

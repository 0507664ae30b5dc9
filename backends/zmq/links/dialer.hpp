#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "links/link_table.hpp"
#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "reach/probe.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The ways from a worker to other workers: the connections that it dials, those that others have
/// dialed and over which it sends back, and the relay for those that do not come about. The dialer
/// of a connection sends `link`, which says what it has received, and then sends again what was not
/// acknowledged.
///
/// Workers do not judge which other worker is lost. If the way between two workers is closed, the
/// master relays. (The master and a worker do judge each other: see Absences.) A connection that
/// does not stand yet does not show that the way is closed: the hosts may be busy, and relaying
/// would make the master busier still. Evidence are probes, and connections that stand and carry
/// nothing. Later the direct way is tried again, with growing pauses, while the master relays.
class Dialer {
 public:
  /// All arguments outlive this. `looks` says when look() is due. This host has `host_ranks` ranks.
  Dialer(Wire& wire, LinkTable& links, const Roster& roster, const Settings& settings,
         LookTime& looks, int host_ranks);

  /// The link that carries what is sent to `dest`. Dialed when it is first asked for. If it is not
  /// known who has that rank, the master is asked; what is sent meanwhile is kept.
  Link& link_to(int dest);
  /// The roster knows now who has `rank`.
  void is_known(int rank);

  /// `rank` has called, or a connection with it broke. If what this rank sends there has no way and
  /// none is dialed, finds one.
  void find_way(int rank);

  /// A connection that was dialed stands (again). `anew`: what was sent over it before is lost.
  void is_up(Link& link, ConnectionId connection, bool anew);
  /// The direct connection to `rank` broke.
  void is_down(int rank);
  /// The direct connection to `rank` came about, but its handshake failed.
  void handshake_failed(int rank);
  /// Whether `connection` is the one that was dialed to `rank`.
  [[nodiscard]] bool is_direct(int rank, ConnectionId connection) const {
    return connection != 0 && connection == of(rank).direct;
  }
  /// Whether it is not known yet that the link's connection carries frames. Report its frames by
  /// note_frame() then.
  [[nodiscard]] bool is_unproven(const Link& link) const {
    const Way& way = of(link.rank());
    return way.relayed || (&link == links_.out(link.rank()) && way.unproven_since);
  }
  /// A frame came over a connection of the link.
  void note_frame(Link& link, ConnectionId connection, Kind kind);
  /// Another process answers at the address of `rank`: two private networks may use the same
  /// addresses.
  void leads_elsewhere(int rank, const std::string& text);

  /// Dials the workers whose turn it is, and looks at the ways that are closed.
  void look();
  /// Whether look() must be called again.
  [[nodiscard]] bool needs_look() const;
  /// This rank is about to end, and what it has sent should arrive before. From now on the looks
  /// come sooner.
  void hurry();
  /// How many ranks were reached directly so far. One whose connection breaks and comes back counts
  /// once.
  [[nodiscard]] std::uint64_t reached() const { return reached_; }
  /// `rank` departed. Looks for no way to it any more, and does not dial it.
  void stop_looking(int rank);
  /// The links of `rank` are gone, too.
  void forget(int rank) {
    looked_at_.erase(rank);
    ways_.forget(rank);
  }

 private:
  /// How this rank reaches another that it dials.
  struct Way {
    std::string endpoint;     // numeric; empty: it cannot be dialed, or another process answers
    ConnectionId direct = 0;  // while relayed: a trial of the direct way, or 0
    bool reached = false;     // has been, once
    bool sent_back = false;   // over the connection that the other one dialed
    bool said = false;        // the call was sent, and waits until the connection stands
    bool relayed = false;
    std::optional<Deadline::Clock::time_point> stands_since;    // of the direct connection
    std::optional<Deadline::Clock::time_point> unproven_since;  // no frame has passed since then
    Deadline look_at = Deadline::never();  // when to look whether the way is closed, or open again
    std::unique_ptr<Probe> probe;
    int closed = 0, mute = 0;           // probes in a row with this outcome
    int failures = 0;                   // handshakes in a row that failed
    std::chrono::milliseconds pause{};  // before the direct way is tried again
  };

  void dial_in_turn(int dest);
  void send_back(int dest);
  void note_reached(Way& way);
  void dial_next();
  void end_dial(int rank);
  void dial_direct(int dest);
  void hang_up_direct(int dest);
  void look_for_way(int dest, std::chrono::milliseconds from_now);
  void go_direct(int rank);
  void look_at(int rank);
  void count_evidence(int rank, Probe::Outcome outcome, const std::string& text);
  void way_was_probed(int rank, Probe::Outcome outcome);
  void try_again_later(int rank);
  void relay_from_now(int dest, const std::string& why);
  [[nodiscard]] Way& of(int rank) { return ways_.at(rank); }
  [[nodiscard]] const Way& of(int rank) const { return ways_[rank]; }

  Wire& wire_;
  LinkTable& links_;
  const Roster& roster_;
  const Settings& settings_;
  LookTime& looks_;
  const int crowd_;  // how many times longer things take here
  RankTable<Way> ways_;
  std::set<int> looked_at_;  // ranks whose way has a moment to be looked at, and some that had
  bool leaving_ = false;
  std::uint64_t reached_ = 0;
  std::deque<int> to_dial_;
  std::vector<std::pair<int, Deadline>> dials_;  // dials that began lately and do not stand yet
  std::size_t probes_ = 0;                       // probes under way at the last look
  LogLimit relays_{1}, returns_{1};              // limit the log lines
};

}  // namespace rankwire::zmq_wire

#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "links/link_table.hpp"
#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "reach/probe.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The connections that a worker dials to other workers, and the way around those that do not come
/// about. Whoever dialed says `link`, with what it has received, and sends again what was not
/// acknowledged.
///
/// Workers among each other do not judge who is lost: where the way from one to the other is
/// closed, the master relays. (The master and a worker do: Absences.) A connection that does not
/// stand yet is no sign of that: hosts may be busy, and the master would be busier still. Probes
/// tell, or connections that stand and carry nothing. Later the direct way is tried again, with
/// growing pauses, while the master relays on.
class Dialer {
 public:
  /// All of them outlive this. `looks` is when look() is due.
  Dialer(Wire& wire, LinkTable& links, const Roster& roster, const Settings& settings,
         LookTime& looks);

  /// The link that carries what is sent to `dest`; dialed when it is first asked for.
  Link& link_to(int dest);

  /// A connection that was dialed stands (again); `anew`: what was said over it before is lost.
  void is_up(Link& link, ConnectionId connection, bool anew);
  /// The direct connection to `rank` broke.
  void is_down(int rank);
  /// The direct connection to `rank` came, and no handshake with it.
  void handshake_failed(int rank);
  /// Whether a connection is the one that was dialed to `rank`.
  [[nodiscard]] bool is_direct(int rank, ConnectionId connection) const {
    return connection != 0 && connection == of(rank).direct;
  }
  /// Whether frames that come over the link may show something of its connection.
  [[nodiscard]] bool is_unproven(const Link& link) const {
    const Way& way = of(link.rank());
    return way.relayed || (&link == links_.out(link.rank()) && way.unproven_since);
  }
  /// A frame came over a connection of the link.
  void note_frame(Link& link, ConnectionId connection, Kind kind);
  /// Whoever answers at the address of `rank` is another: two private networks may use the same.
  void leads_elsewhere(int rank, const std::string& text);

  /// Dials those whose turn it is, and looks at the ways that are closed.
  void look();
  /// Whether it is to be called again.
  [[nodiscard]] bool needs_look() const;
  /// This rank is about to end: what it has sent is to arrive before. Looks are sooner from now on.
  void hurry();
  /// `rank` departed: no way to it is looked for any more.
  void end(int rank);
  /// Its links are gone, too.
  void forget(int rank) { of(rank) = {}; }

 private:
  /// How this rank reaches another that it dials.
  struct Way {
    std::string endpoint;     // a number; empty: it cannot be dialed, or leads to another
    ConnectionId direct = 0;  // while relayed: the trial of the direct way, if any
    bool said = false;        // the call that begins the connection waits for it to stand
    bool relayed = false;
    std::optional<Deadline::Clock::time_point> stands_since;    // the direct connection
    std::optional<Deadline::Clock::time_point> unproven_since;  // no frame has passed since then
    Deadline look_at = Deadline::never();  // whether the way is closed, or open again
    std::unique_ptr<Probe> probe;
    int closed = 0, mute = 0;           // outcomes of probes, in a row
    int failures = 0;                   // handshakes
    std::chrono::milliseconds pause{};  // before the direct way is tried again
  };

  void dial(int dest);
  void dial_next();
  void dial_direct(int dest);
  void hang_up_direct(int dest);
  void look_for_way(int dest, std::chrono::milliseconds from_now);
  void go_direct(int rank);
  void look_at(int rank);
  void count_evidence(int rank, Probe::Outcome outcome, const std::string& text);
  void way_was_probed(int rank, Probe::Outcome outcome);
  void try_again_later(int rank);
  void relay_from_now(int dest, const std::string& why);
  [[nodiscard]] Way& of(int rank) { return ways_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Way& of(int rank) const { return ways_[static_cast<std::size_t>(rank)]; }

  Wire& wire_;
  LinkTable& links_;
  const Roster& roster_;
  const Settings& settings_;
  LookTime& looks_;
  std::vector<Way> ways_;  // by rank
  bool leaving_ = false;
  std::deque<int> to_dial_;
  std::vector<std::pair<int, Deadline>> dials_;  // begun lately, and do not stand yet
  std::size_t probes_ = 0;                       // under way, as of the last look
  LogLimit relays_{1}, returns_{1};              // lines of them
};

}  // namespace rankwire::zmq_wire

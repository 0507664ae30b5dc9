#pragma once

#include <optional>
#include <string>
#include <vector>

#include "channel/absences.hpp"
#include "channel/departures.hpp"
#include "channel/inbox.hpp"
#include "channel/newcomers.hpp"
#include "channel/outbox.hpp"
#include "channel/signs.hpp"
#include "channel/tidings.hpp"
#include "links/dialer.hpp"
#include "links/link_table.hpp"
#include "links/roster.hpp"
#include "meeting/session.hpp"
#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/ledger.hpp"

namespace rankwire::zmq_wire {

/// Who is in the world, who comes and goes, and what this changes in links, mailbox and windows
/// (clauses 8, 10, 14). Only the master decides who is lost: it hears of every rank's end and tells
/// the others. So a worker that loses the master has lost the world.
///
/// A goodbye comes behind all data of its own connection, so there it counts at once. What the
/// master tells of a worker may overtake that worker's own link (see Departures).
class Membership {
 public:
  /// The parts that it acts on. All of them outlive this.
  struct Parts {
    Wire& wire;
    LinkTable& links;
    Dialer& dialer;
    Inbox& inbox;
    Outbox& outbox;
    Ledger& ledger;
    Roster& roster;
    const ZmqSettings& settings;
    LookTime& looks;
    int patience = 1;  ///< see patience_of()
  };
  explicit Membership(const Parts& parts);
  /// Takes over what the rendezvous knows of the ranks and their connections.
  void begin(Session& session);

  // Connections.

  /// `rank` has called over `connection`, which leads to its link from now on. The caller has
  /// received `received` frames of this rank.
  void adopt(int rank, ConnectionId connection, std::uint32_t received);
  /// Like adopt(), for the call of another worker. Ignored if that rank has called by another way
  /// since.
  void adopt_call(const LinkHello& hello, ConnectionId connection, std::uint32_t received);
  /// The connection to the master stands again, which this worker dialed.
  void master_stands() { is_back(0); }
  /// The connection with `rank` broke. To be called only between the master and a worker: at the
  /// master for any worker, at a worker for rank 0. `exited`: the process of `rank` has exited.
  void hub_is_down(int rank, bool exited);

  // Who comes.

  /// Handles a hello at a running master: of a newcomer, or of a worker that is too late.
  void take_hello(Incoming&& hello);
  /// Looks again at hellos that wait for a place.
  void look_at_waiting_hellos();
  /// A connection ended. Forgets the hello that waits over it, if any.
  void forget_caller(ConnectionId connection) { newcomers_.forget(connection); }

  // Who goes.

  /// The rank of `link` says goodbye.
  void take_goodbye(Link& link, Goodbye&& goodbye);
  /// The master tells something of a rank. Call follow() then.
  void take_told(Departures::Told&& told);
  /// Acts on what the master has told of `rank`, unless it must wait. Returns a process that has
  /// the rank from now on; take in its early frames, then call this again. Returns nothing when all
  /// is done.
  [[nodiscard]] std::optional<Member> follow(int rank);
  /// The master has said who has a rank.
  void learn(Member&& member);
  /// A message of `rank` has come. It may be the last one that was awaited.
  void message_came(int rank);
  /// Looks whether a departing rank has departed. To be called when its connection ended, or time
  /// has passed.
  void look_at_departing(int rank);
  /// Lets a departing rank depart if it was awaited for long enough.
  void give_up_late(int rank);
  /// Loses the ranks that were out of reach for long enough.
  void look_at_absent();
  /// `rank` has given a sign of life, with this tag.
  void heard_from(int rank, std::uint32_t tag) { signs_.heard(rank, tag); }
  /// This rank gives no signs until look_for_signs() is called again.
  void fall_silent() { signs_.fall_silent(); }
  /// Gives the signs of life that are due. Loses the ranks that gave none for too long.
  void look_for_signs();
  [[nodiscard]] bool wants_looks() const { return signs_.wants_looks(); }
  /// At the master: tells the workers of the departures that they were not told of yet.
  void tell_departures();
  /// The same, if that is due. More may depart meanwhile, and are told of together.
  void tell_departures_if_due() {
    if (tidings_.is_due()) tell_departures();
  }
  [[nodiscard]] bool needs_look() const;
  /// `rank` is lost. At a worker this can only be the master.
  void lose(int rank, const std::string& reason);
  /// The master is lost. Nobody tells of the others any more, so all ranks are lost.
  void lose_world(const std::string& reason);
  /// Like lose_world(), if this rank closes and another process has its place already. What it has
  /// sent is still under way to the others, except what the master would relay.
  void leave_without_master(const std::string& reason);

  /// At the master: a worker asks who has a rank.
  void answer(int asker, std::uint32_t rank);
  /// The ranks for which give_up_late() and follow() have something to look at.
  [[nodiscard]] std::vector<int> awaited() const { return departures_.awaited(); }
  [[nodiscard]] bool is_departing(int rank) const { return departures_.is_departing(rank); }
  /// Whether `rank` has departed. The mailbox knows this, too, but only the program's thread may
  /// ask it. This may be asked by any thread that has the turn.
  [[nodiscard]] bool has_departed(int rank) const { return departures_.has_departed(rank); }
  /// The ranks that have not departed, for the log: "ranks 3, 5".
  [[nodiscard]] std::string remaining_ranks() const;
  /// At the master: sends a frame to all workers that are there, except one.
  void tell_workers(Kind kind, const Buffer& body, int except);
  /// This rank closes. Nobody is let in any more.
  void close() {
    closing_ = true;
    newcomers_.close();
  }
  [[nodiscard]] bool is_closing() const { return closing_; }

 private:
  void is_back(int rank) {
    absences_.stands(rank);
    signs_.came_back(rank);
  }
  void depart(int rank, const Departures::End& end, Goodbye&& goodbye = {});
  void drop_links(int rank);
  void replace(const Member& member);
  void let_in(int place, const Hello& hello, ConnectionId connection);
  void start_again(int rank, ConnectionId connection, std::uint32_t hello);
  void send_table(int newcomer, ConnectionId connection, bool with_departed);
  [[nodiscard]] bool is_there(int rank) const { return !ledger_.mailbox().departure(rank); }

  Wire& wire_;
  LinkTable& links_;
  Dialer& dialer_;
  Inbox& inbox_;
  Outbox& outbox_;
  Ledger& ledger_;
  Roster& roster_;
  const ZmqSettings& settings_;
  Absences absences_;
  Departures departures_;
  Newcomers newcomers_;
  Tidings tidings_;  // at the master
  Signs signs_;
  LookTime& looks_;
  bool closing_ = false;
};

}  // namespace rankwire::zmq_wire

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "channel/absences.hpp"
#include "channel/departures.hpp"
#include "channel/inbox.hpp"
#include "channel/newcomers.hpp"
#include "channel/outbox.hpp"
#include "links/dialer.hpp"
#include "links/link_table.hpp"
#include "links/roster.hpp"
#include "meeting/session.hpp"
#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/ledger.hpp"

namespace rankwire::zmq_wire {

/// Who is in the world, who comes and who goes, and what that means for links, mailbox and windows
/// (clauses 8, 10, 14). The master alone says who is lost: it hears of every rank's end and tells
/// the others. So a worker that loses the master has lost the world.
///
/// A goodbye comes behind all data of its connection, so it counts at once there; what the master
/// tells of a worker may overtake that worker's own link (Departures).
class Membership {
 public:
  /// What it acts on; all of it outlives this.
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
  };
  explicit Membership(const Parts& parts);
  /// Takes over what the rendezvous knows of the ranks and their connections.
  void begin(Session& session);

  // Connections.

  /// A connection by which `rank` has called leads to its link; `received` frames of ours have come
  /// there.
  void adopt(int rank, ConnectionId connection, std::uint32_t received);
  /// The same for the call of another worker, unless the rank has called by another way since.
  void adopt_call(const LinkHello& hello, ConnectionId connection, std::uint32_t received);
  /// A connection that this worker dialed to the master stands again.
  void master_stands() { absences_.stands(0); }
  /// The connection between the master and a worker broke; `exited`: the process over there has
  /// ended.
  void hub_is_down(int rank, bool exited);
  /// Whether frames that come from `rank` may show that its connection carries any.
  [[nodiscard]] bool is_unproven(int rank) const { return !absences_.has_carried(rank); }
  void carries(int rank) { absences_.carries(rank); }

  // Who comes.

  /// At a running master: a newcomer, or somebody who is too late.
  void take_hello(Incoming&& hello);
  /// Hellos that wait for a place are looked at again.
  void look_at_waiting();
  /// The connection of one of those ended, perhaps.
  void forget_caller(ConnectionId connection) { newcomers_.forget(connection); }

  // Who goes.

  /// `link`'s rank says that it leaves.
  void take_goodbye(Link& link, const Goodbye& goodbye);
  /// The master tells of a rank. What follows from it: see follow().
  void take_told(Departures::Told&& told);
  /// Acts on what the master has told of `rank`, as far as it need not wait: returns a process that
  /// has the rank from now on, to be asked again then; nothing when all is done.
  [[nodiscard]] std::optional<Member> follow(int rank);
  /// A message of `rank` has come: it may be the last that was awaited.
  void message_came(int rank);
  /// The connection of a departing rank ended, or time has passed.
  void look_at_departing(int rank);
  /// Gives up on what was awaited for long enough.
  void give_up_late(int rank);
  /// Loses those that were out of reach for long enough.
  void look_at_absent();
  [[nodiscard]] bool needs_look() const;
  /// `rank` is lost; at a worker only the master can be.
  void lose(int rank, const std::string& reason);
  /// Without the master nobody tells of the others: all are lost.
  void lose_world(const std::string& reason);
  /// The same where this rank closes and another process has its place already: what it has sent is
  /// still on its way to the others, but for what the master would relay.
  void leave_without_master(const std::string& reason);

  [[nodiscard]] bool is_departing(int rank) const { return departures_.is_departing(rank); }
  /// As the mailbox says, but for any thread that has the turn.
  [[nodiscard]] bool has_departed(int rank) const { return departures_.has_departed(rank); }
  /// "ranks 3, 5", for the log: those that have not departed.
  [[nodiscard]] std::string remaining_ranks() const;
  /// At the master: the same to all workers that are there but one.
  void tell_workers(Kind kind, const Buffer& body, int except);
  /// This rank closes: nobody comes in any more.
  void close() {
    closing_ = true;
    newcomers_.close();
  }
  [[nodiscard]] bool is_closing() const { return closing_; }

 private:
  void depart(int rank, const Departures::End& end, const Goodbye& goodbye = {});
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
  bool closing_ = false;
};

}  // namespace rankwire::zmq_wire

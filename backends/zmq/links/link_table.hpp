#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "links/early_links.hpp"
#include "links/link.hpp"
#include "links/relay.hpp"
#include "links/roster.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The links of one rank with the others, and the connections that lead to them. Between the master
/// and a worker there is one link, used in both directions. Two workers have up to two: each sends
/// over its own, and receives over the other one's. Who sends dials a connection for its link; but
/// if the other one has dialed before, it sends back over that connection (way_back). So a world
/// where all send to all has half of the connections.
class LinkTable {
 public:
  /// `wire` and `roster` outlive this. Frames that libzmq still has share `turns`, so that may live
  /// longer.
  LinkTable(Wire& wire, const Roster& roster, const Token& token, std::shared_ptr<Turns> turns,
            EarlyLinks&& early);
  LinkTable(const LinkTable&) = delete;
  LinkTable& operator=(const LinkTable&) = delete;

  /// The way over which a frame came: `connection`, or the way back over it.
  [[nodiscard]] ConnectionId way_of(ConnectionId connection, const Header& header) const;
  /// The link that a connection leads to. Null for a stranger's connection.
  [[nodiscard]] Link* at(ConnectionId connection) const;
  /// The link that carries what is sent to `rank`. Null before there is one.
  [[nodiscard]] Link* out(int rank) const { return of(rank).out.get(); }
  /// The link over which messages of `rank` come. Null before that rank has dialed.
  [[nodiscard]] Link* from(int rank) const {
    return is_hub(rank) ? of(rank).out.get() : of(rank).in.get();
  }
  /// Both links with `rank`; null for one that does not exist.
  [[nodiscard]] std::array<Link*, 2> both(int rank) const {
    return {of(rank).out.get(), of(rank).in.get()};
  }
  /// Whether one link with `rank` serves both directions: either this rank is the master, or `rank`
  /// is.
  [[nodiscard]] bool is_hub(int rank) const { return roster_.is_master() || rank == 0; }
  /// Whether the master relays messages to or from `rank`.
  [[nodiscard]] bool is_relayed(int rank) const;
  /// Whether no frame of `rank` can come over a connection of its own.
  [[nodiscard]] bool nothing_comes_from(int rank) const;

  /// Calls of processes that the master has not announced yet.
  [[nodiscard]] EarlyLinks& early() { return early_; }

  /// The link to send to `rank`. Made if there is none, without a connection.
  Link& add_out(int rank);
  /// A connection that this rank has dialed leads to `link` from now on.
  void lead(ConnectionId connection, Link& link) { by_connection_[connection] = &link; }
  /// `rank` has called over `connection`, which leads from now on to the link over which that rank
  /// sends. The caller says that it has received `received` frames of this link. Returns false if
  /// that cannot be; the link is then not attached.
  [[nodiscard]] bool tie(int rank, ConnectionId connection, std::uint32_t received);
  /// Whether to act on a call. If it is older than the last call, its connection ends here.
  [[nodiscard]] bool heed_call(const LinkHello& hello, ConnectionId connection);

  /// Calls over a connection: says who this rank is, and sends all frames that may not have arrived
  /// over another one.
  void call(Link& link, ConnectionId over);
  /// Calls over a connection without using it for the link yet. The frame is larger than any
  /// packet, so an answer shows that the connection carries frames.
  void try_call(Link& link, ConnectionId over);
  /// The route over a connection.
  [[nodiscard]] Route route(ConnectionId connection);

  /// Tells a caller why its connection is of no use here. The connection then ends.
  void turn_away(ConnectionId connection, Refusal refusal, const std::string& text);
  /// Tells `rank` that it was given up or replaced, over the connection by which it called, if that
  /// stands. (It is told again when it calls again.) What was sent to it before arrives as well.
  void expel(int rank, const std::string& reason);
  /// Whether `rank` has dialed a connection that stands, over which this rank can send back.
  [[nodiscard]] bool can_send_back(int rank) const;
  /// A connection broke, or is hung up: the link that goes back over it has none any more.
  void end_way_back(ConnectionId connection);
  /// A connection leads to no link any more, and is hung up.
  void unlink(ConnectionId connection);
  /// Ends all connections and links with `rank`. Drops what they kept.
  void drop(int rank);
  /// Asks workers again for frames that may have come and were not taken.
  void ask_again();
  /// `rank` takes nothing more. Drops what is kept for it.
  void forget_kept(int rank);
  /// Sends `rank` a numbered frame of `kind`, if there is a link.
  void tell(int rank, Kind kind, const Buffer& body);
  /// The same with a body that is not copied: several frames may share it.
  void tell(int rank, Kind kind, zmq::message_t&& body);

  [[nodiscard]] const Token& token() const { return token_; }
  /// In a forked process: gives up everything without touching the sockets.
  void leave_to_parent();

 private:
  struct Links {
    std::unique_ptr<Link> out, in;
  };
  [[nodiscard]] Links& of(int rank) { return by_rank_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Links& of(int rank) const { return by_rank_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::unique_ptr<Link> make_link(int rank, LinkEnd end) const;
  [[nodiscard]] Buffer word_of(Link& link) const;

  Wire& wire_;
  const Roster& roster_;
  Token token_;
  std::shared_ptr<Turns> turns_;
  std::shared_ptr<FrameStore> store_ = std::make_shared<FrameStore>();
  std::vector<Links> by_rank_;
  std::unordered_map<ConnectionId, Link*> by_connection_;
  EarlyLinks early_;
  Relay relay_;
};

}  // namespace rankwire::zmq_wire

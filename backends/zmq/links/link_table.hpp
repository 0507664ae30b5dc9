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
/// and a worker there is one, used both ways; a worker has up to two with another: the one that it
/// dialed carries what it sends there, the one that the other dialed what comes from there.
class LinkTable {
 public:
  /// `wire` and `roster` outlive this. `turns` may live longer: frames that libzmq still has share
  /// it.
  LinkTable(Wire& wire, const Roster& roster, const Token& token, std::shared_ptr<Turns> turns,
            EarlyLinks&& early);
  LinkTable(const LinkTable&) = delete;
  LinkTable& operator=(const LinkTable&) = delete;

  /// The link that a connection leads to; null for a stranger's.
  [[nodiscard]] Link* at(ConnectionId connection) const;
  /// The link that carries what is sent to `rank`; null before there is one.
  [[nodiscard]] Link* out(int rank) const { return of(rank).out.get(); }
  /// The link over which the messages of `rank` come; null before it has dialed.
  [[nodiscard]] Link* from(int rank) const {
    return is_hub(rank) ? of(rank).out.get() : of(rank).in.get();
  }
  /// Both, null where there is none.
  [[nodiscard]] std::array<Link*, 2> both(int rank) const {
    return {of(rank).out.get(), of(rank).in.get()};
  }
  /// Whether the link with `rank` serves both ways: this is the master, or it leads to the master.
  [[nodiscard]] bool is_hub(int rank) const { return roster_.is_master() || rank == 0; }
  /// Whether the master relays what is exchanged with `rank`, one way or the other.
  [[nodiscard]] bool is_relayed(int rank) const;
  /// Whether nothing of `rank` can be under way here by its own connection.
  [[nodiscard]] bool nothing_comes_from(int rank) const;

  /// Calls of processes that the master has not told of yet.
  [[nodiscard]] EarlyLinks& early() { return early_; }

  /// The link to send to `rank`, made if need be, without a connection.
  Link& add_out(int rank);
  /// A connection that this rank has dialed for a link leads to it from now on.
  void lead(ConnectionId connection, Link& link) { by_connection_[connection] = &link; }
  /// A connection by which `rank` has called, or the master was called, leads to the link over
  /// which it sends; `received` frames of that have come there. False: it counts others than were
  /// sent.
  [[nodiscard]] bool tie(int rank, ConnectionId connection, std::uint32_t received);
  /// Whether a call is to be followed: not one older than the last, whose connection ends here.
  [[nodiscard]] bool heed_call(const LinkHello& hello, ConnectionId connection);

  /// Says who calls over a connection, and sends all that may not have come over another.
  void call(Link& link, ConnectionId over);
  /// Says who calls, in a frame larger than any packet, and changes no way: an answer shows that
  /// this one passes frames.
  void try_call(Link& link, ConnectionId over);
  /// What carries a connection.
  [[nodiscard]] Route route(ConnectionId connection);

  /// Somebody is told why his connection is of no use here, which then ends.
  void turn_away(ConnectionId connection, Refusal refusal, const std::string& text);
  /// `rank` is told over the connection by which it called, where that stands, that it was given
  /// up, or replaced. (And when it calls again.) What was said to it before reaches it as well.
  void expel(int rank, const std::string& reason);
  /// A connection leads nowhere any more, and ends.
  void unlink(ConnectionId connection);
  /// All connections and links with `rank` end; what they kept is dropped.
  void drop(int rank);
  /// Frames from workers were not taken that may have come: asks for them again.
  void ask_again();
  /// `rank` takes nothing more: what is kept for it is dropped.
  void forget_kept(int rank);
  /// A frame that does nothing but tell: numbered, to `rank`, where there is a link.
  void tell(int rank, Kind kind, const Buffer& body);

  [[nodiscard]] const Token& token() const { return token_; }
  /// In a forked process: gives up everything without a word to the sockets.
  void leave_to_parent();

 private:
  struct Links {
    std::unique_ptr<Link> out, in;
  };
  [[nodiscard]] Links& of(int rank) { return by_rank_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Links& of(int rank) const { return by_rank_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::unique_ptr<Link> make_link(int rank) const;
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

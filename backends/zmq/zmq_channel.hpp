#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/channel.hpp"
#include "session.hpp"

namespace rankwire::zmq_wire {

/// The channel over a Wire. The master is the hub: it hears of every rank's end and tells the
/// others; so a worker that loses the master has lost the world. Workers talk over links of their
/// own, dialed at the first send and one for each direction; the answers of the receiver (credits,
/// goodbyes) come back over the same link.
class ZmqChannel final : public Channel {
 public:
  explicit ZmqChannel(Session session);
  ~ZmqChannel() override;

 private:
  struct Peer {
    Member member;
    ConnectionId out = 0;  // where what is sent to it goes
    ConnectionId in = 0;   // where its messages come from; the same as `out` between hub and worker
    Deadline out_must_stand = Deadline::never();  // for a dialed link that does not stand yet
    std::uint64_t sent = 0, received = 0;         // messages, this incarnation
    bool said_goodbye = false;
    std::optional<Departed> departing;  // told by the master, awaiting what it had sent before
    Deadline departing_until = Deadline::never();
    Buffer partial;  // of a payload that comes in pieces
    std::size_t partial_filled = 0;
  };
  /// A link whose dialer the master has not told us of yet.
  struct EarlyLink {
    Link link;
    std::vector<Incoming> frames;
  };

  // zmq_channel.cpp: messages.
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                        Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void prepare_send(int dest, std::size_t bytes, Deadline deadline);
  void send_to_self(int tag, Buffer&& payload);
  void send_frame(int dest, int tag, std::span<const std::byte> payload);
  void send_chunks(int dest, int tag, Buffer&& payload);
  void check_sent(int dest, bool sent);
  ConnectionId link_to(int dest);
  [[nodiscard]] std::string numeric_endpoint_of(int dest);
  void note_taken(const Message& message);
  void check_aborted() const;
  bool pump(Deadline deadline);
  void process(Incoming&& incoming);
  void process_from(int source, Incoming&& incoming);
  void process_data(int source, Incoming&& incoming);
  void deliver(int source, int tag, Buffer&& payload);
  void take_piece(int source, Incoming&& incoming);

  // zmq_departures.cpp: who comes and goes.
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;
  void process_link(Incoming&& incoming);
  void adopt_link(ConnectionId connection, EarlyLink&& early);
  void process_hello(Incoming&& incoming);
  [[nodiscard]] int vacant_place(int wanted) const;
  void send_table(int newcomer);
  void process_goodbye(int source, const Incoming& incoming);
  void process_departed(const Departed& departed);
  void process_arrived(const Member& member);
  void process_abort(int source, const Incoming& incoming);
  void process_down(ConnectionId connection);
  void look_at_timers();
  void finish_departing(int rank);
  void depart(int rank, bool lost, const std::string& reason,
              const std::vector<Goodbye::Sent>& sent = {});
  void drop_links(int rank);
  void lose_world(const std::string& reason);
  void tell_workers(Kind kind, const Buffer& body, int except);
  void replace(const Member& member, ConnectionId connection);
  void say_goodbye();
  void say_last_to_all(Kind kind, const Buffer& body);
  void say_last(ConnectionId connection, Kind kind, const Buffer& body);
  void await_farewells(Deadline deadline);
  void serve_others(Deadline serve_until);
  [[nodiscard]] std::string remaining_ranks() const;

  [[nodiscard]] bool is_master() const { return rank() == 0; }
  [[nodiscard]] Peer& peer(int rank) { return peers_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::string name(int rank) const;

  Settings settings_;
  AddressFile address_file_;  // a master's; removed when it closes
  std::unique_ptr<Wire> wire_;
  Token token_;
  std::vector<Peer> peers_;
  std::unordered_map<ConnectionId, int> rank_of_;  // every connection that is tied to a rank
  std::unordered_map<ConnectionId, EarlyLink> early_links_;
  Mailbox mailbox_;
  Windows windows_;
  std::optional<Abort> aborted_;
  bool timers_run_ = false;  // some peer has a deadline of its own
  unsigned sends_ = 0;
  bool leaving_ = false;
  std::unordered_set<ConnectionId> unconfirmed_;  // told of our end, farewell not come
  std::uint64_t frames_dropped_ = 0;              // by the wire, once it is closed
};

}  // namespace rankwire::zmq_wire

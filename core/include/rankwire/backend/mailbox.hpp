#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "rankwire/channel.hpp"

namespace rankwire {

/// What has arrived at one rank and was not yet received: matching by (source, tag) for every
/// backend (clauses 4, 5, 8, 14). Not synchronised: its owner locks, or is alone.
///
/// Messages hang in two chains, by arrival and by arrival from one source; nodes are reused, so
/// that a steady flow allocates nothing. push is O(1); take costs the messages of other tags that
/// it passes over, those of other sources only when it asks for any source.
class Mailbox {
 public:
  /// `takes_arrivals`: whether somebody may yet come when nobody remains (clause 14).
  Mailbox(int self, int size, bool takes_arrivals);

  /// A message of a departed rank is dropped: it came too late.
  void push(Message&& message);
  /// Records a departure; messages pushed before stay to be received. A second departure of the
  /// same rank is ignored: the first report stands.
  void depart(std::shared_ptr<const Departure> departure);
  void depart(Departure departure) {
    depart(std::make_shared<const Departure>(std::move(departure)));
  }
  /// A new process has the departed rank `arrival.rank` from here on.
  void arrive(Arrival arrival);

  /// The next event that `wanted` asks for, or nothing yet. Throws PeerGone when nobody remains who
  /// could send, UsageError for a wait for oneself and for a message above `bytes_max`.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted);

  /// Null when `rank` has not departed; else valid until it is replaced.
  [[nodiscard]] const Departure* departure(int rank) const {
    return peers_[static_cast<std::size_t>(rank)].departure.get();
  }
  /// Others that have not departed.
  [[nodiscard]] int remaining() const { return remaining_; }
  [[nodiscard]] std::size_t messages() const { return messages_; }
  /// Neither messages nor news wait.
  [[nodiscard]] bool idle() const { return messages_ == 0 && news_.empty(); }
  /// Throws PeerLost or PeerLeft when `dest` has departed, as a send to it must.
  void check_send(int dest) const;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  struct Chain {
    std::uint32_t first = none, last = none;
  };
  struct Node {
    Message message;
    std::uint32_t next_of_all = none, previous_of_all = none;
    std::uint32_t next_of_source = none, previous_of_source = none;
  };
  struct Peer {
    Chain messages;
    std::shared_ptr<const Departure> departure;  // one record for all mailboxes of a process
  };
  using News = std::variant<std::shared_ptr<const Departure>, Arrival>;

  [[nodiscard]] std::uint32_t find(const Wanted& wanted) const;
  void unlink(std::uint32_t index);
  std::optional<Event> take_news(const Wanted& wanted);
  [[nodiscard]] static bool is_loss(const News& news);
  void check_not_in_vain(const Wanted& wanted) const;

  int self_;
  bool takes_arrivals_;
  int remaining_;
  std::size_t messages_ = 0;
  Chain all_;
  std::vector<Peer> peers_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  std::size_t losses_unreported_ = 0;
  std::deque<News> news_;  // departures and arrivals not yet reported, in order
  std::shared_ptr<const Departure> latest_;
};

}  // namespace rankwire

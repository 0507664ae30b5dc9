#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "rankwire/backend/rank_table.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/channel.hpp"

namespace rankwire {

/// What has arrived at one rank and was not yet received: matching by (source, tag) for every
/// backend (clauses 4, 5, 8, 14). Not synchronised: its owner locks, or is alone.
///
/// push and take are O(1), whatever else waits. Up to a few messages are looked through one by one;
/// of more, those of each source, each tag and each pair of both hang in chains, found by a hash.
/// Nodes and places in the table are used again, so that a steady flow allocates nothing; a chain
/// that is empty has no place.
class Mailbox {
 public:
  /// `takes_arrivals`: whether somebody may yet come when nobody remains (clause 14).
  Mailbox(int self, int size, bool takes_arrivals);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// A receive that waits: the first message that it asks for goes straight to it, not into the
  /// queue. One at a time, after take() gave nothing.
  class Waiting {
   public:
    Waiting(Mailbox& mailbox, const Wanted& wanted, std::optional<Event>& event)
        : mailbox_{mailbox}, wanted_{wanted}, event_{event} {
      mailbox.waiting_ = this;
    }
    ~Waiting() { mailbox_.waiting_ = nullptr; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    /// Whether what it asks for has come; throws as take() does.
    [[nodiscard]] bool met() {
      if (!event_ && std::exchange(take_again_, false)) event_ = mailbox_.take(wanted_);
      return event_.has_value();
    }

   private:
    friend class Mailbox;
    Mailbox& mailbox_;
    const Wanted& wanted_;
    std::optional<Event>& event_;
    bool take_again_ = false;  // news have come, or what cannot go straight to it
  };

  /// A message of a departed rank is dropped: it came too late.
  void push(Message&& message) {
    Peer& source = peers_.at(message.source);
    if (source.departure) return;
    ++source.come;
    if (waiting_ == nullptr || !meets(message)) queue(std::move(message));
  }
  /// Counts a message that goes straight to the program, past the mailbox.
  void count(int source) { ++peers_.at(source).come; }
  /// Messages that were pushed or counted of the process that has `source`.
  [[nodiscard]] std::uint64_t come(int source) const { return peers_[source].come; }
  /// Records a departure; messages pushed before stay to be received. A second departure of the
  /// same rank is ignored: the first report stands.
  void depart(std::shared_ptr<const Departure> departure);
  void depart(Departure departure) {
    depart(std::make_shared<const Departure>(std::move(departure)));
  }
  /// A new process has the departed rank `arrival.rank` from here on.
  void arrive(Arrival arrival);

  /// The next event that `wanted` asks for, or nothing yet. Throws PeerGone when nobody remains who
  /// could send, UsageError for a wait for oneself and for a message that it does not take.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted);

  /// Null when `rank` has not departed; else valid until it is replaced.
  [[nodiscard]] const Departure* departure(int rank) const { return peers_[rank].departure.get(); }
  /// Others that have not departed.
  [[nodiscard]] int remaining() const { return remaining_; }
  [[nodiscard]] std::size_t messages() const { return messages_; }
  /// Whether the message that was given out last came from a process that another one has replaced:
  /// the window of its rank began anew (Windows::reset), and does not count it. Ask after each.
  [[nodiscard]] bool gave_of_former() { return std::exchange(gave_of_former_, false); }
  /// The messages of the process that has `source` which wait, as Windows counts them.
  [[nodiscard]] std::uint64_t queued_bytes(int source) const { return peers_[source].queued_bytes; }
  /// The receive that waits, if there is one, has what it asks for, or is to look (Waiting::met).
  [[nodiscard]] bool met() const {
    return waiting_ != nullptr && (waiting_->event_ || waiting_->take_again_);
  }
  /// Neither messages nor news wait.
  [[nodiscard]] bool idle() const { return messages_ == 0 && news_.empty(); }
  /// Throws PeerLost or PeerLeft when `dest` has departed, as a send to it must.
  void check_send(int dest) const;
  /// Nobody will take what is here.
  void forget_messages() noexcept;

 private:
  struct Node;
  struct Links {
    Node *previous = nullptr, *next = nullptr;
  };
  struct Node {
    Message message;
    std::uint64_t arrived = 0;  // counts arrivals of messages and news
    std::uint64_t process = 0;  // Peer::process of its source when it came
    Links all, of_source, of_tag, of_pair;
  };
  /// Memory for nodes, which are used again.
  class Nodes {
   public:
    [[nodiscard]] Node& take();
    void give_back(Node& node) { node.all.next = std::exchange(free_, &node); }

   private:
    std::vector<std::unique_ptr<Node[]>> blocks_;
    std::size_t made_ = 0;
    Node* free_ = nullptr;  // by all.next
  };
  using Of = Links Node::*;
  struct Chain {
    Node *first = nullptr, *last = nullptr;
    template <Of of>
    void append(Node& node);
    template <Of of>
    void remove(Node& node);
  };
  /// Chains that are not empty, by key: a table with open addressing.
  class Chains {
   public:
    /// The chain of `key`, which is put in when it is missing.
    Chain& at(std::uint64_t key);
    [[nodiscard]] Node* first(std::uint64_t key) const;
    void remove(std::uint64_t key);

   private:
    struct Place {
      std::uint64_t key = 0;
      Chain chain;  // empty: the place is free
    };
    [[nodiscard]] std::size_t home(std::uint64_t key) const;
    [[nodiscard]] std::size_t find(std::uint64_t key) const;
    void grow();
    std::vector<Place> places_;  // a power of two of them, at most half of them taken
    std::size_t used_ = 0;
  };
  struct Peer {
    Chain messages;                              // where indexed_
    std::shared_ptr<const Departure> departure;  // one record for all mailboxes of a process
    std::uint64_t process = 0;                   // counts those that have had the rank
    std::uint64_t come = 0;                      // messages of that process
    std::uint64_t queued_bytes = 0;              // of its messages, as Windows counts them
    int unread = 0;                              // of its news
  };
  /// A departure or an arrival that was not yet told, in its place among the messages.
  struct News {
    std::uint64_t arrived = 0;
    std::variant<std::shared_ptr<const Departure>, Arrival> what;
    [[nodiscard]] int rank() const;
    [[nodiscard]] bool is_loss() const;
  };
  using NewsList = std::list<News>;

  [[nodiscard]] static std::uint64_t cost_of(const Node& node);
  bool meets(Message& message);
  void queue(Message&& message);
  void index_all();
  void index(Node& node);
  template <Of of>
  void remove_from(std::uint64_t key, Node& node);
  void unlink(Node& node);
  [[nodiscard]] bool is_of_former(const Node& node) const {
    return node.process != peers_[node.message.source].process;
  }
  [[nodiscard]] Node* find(const Wanted& wanted) const;
  [[nodiscard]] Event take_message(Node& node, const Wanted& wanted);
  void add_news(int rank, decltype(News::what)&& what);
  bool make_room_for_news(int rank);
  [[nodiscard]] NewsList::iterator next_news(const Wanted& wanted);
  [[nodiscard]] Event take_news(NewsList::iterator news, bool all_news);
  void drop_news(NewsList::iterator news);
  void check_not_in_vain(const Wanted& wanted) const;

  int self_;
  bool takes_arrivals_;
  int remaining_;
  Waiting* waiting_ = nullptr;
  bool gave_of_former_ = false;
  std::uint64_t arrivals_ = 0;
  std::size_t messages_ = 0;
  bool indexed_ = false;  // all messages hang in all of their chains, not only in all_
  Chain all_;
  Chains chains_;  // by tag, and by source and tag
  RankTable<Peer> peers_;
  Nodes nodes_;
  NewsList news_;
  NewsList::iterator first_loss_ = news_.end();  // where there is one
  std::shared_ptr<const Departure> latest_;
};

}  // namespace rankwire

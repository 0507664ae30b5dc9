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

/// What has arrived at one rank and was not yet received. Every backend uses it to match messages
/// by source and tag (clauses 4, 5, 8, 14). Not synchronised: its owner locks, or uses it from one
/// thread.
///
/// push and take are O(1), whatever else waits. A few messages are searched one by one. When there
/// are more, each message hangs in chains: one for its source, one for its tag, one for the pair. A
/// hash table finds the chains. Nodes and entries of the table are used again, so a steady flow
/// allocates nothing. An empty chain has no entry.
class Mailbox {
 public:
  /// `takes_arrivals`: somebody may still come when nobody remains (clause 14).
  Mailbox(int self, int size, bool takes_arrivals);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// A receive that waits. The first message that it asks for goes straight to it instead of into
  /// the queue. At most one exists at a time, made after take() gave nothing.
  class Waiting {
   public:
    Waiting(Mailbox& mailbox, const Wanted& wanted, std::optional<Event>& event)
        : mailbox_{mailbox}, wanted_{wanted}, event_{event} {
      mailbox.waiting_ = this;
    }
    ~Waiting() { mailbox_.waiting_ = nullptr; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    /// Whether what it asks for has come. Throws what take() throws.
    [[nodiscard]] bool met() {
      if (!event_ && std::exchange(take_again_, false)) event_ = mailbox_.take(wanted_);
      return event_.has_value();
    }

   private:
    friend class Mailbox;
    Mailbox& mailbox_;
    const Wanted& wanted_;
    std::optional<Event>& event_;
    bool take_again_ = false;  // something came that only take() can handle, such as news
  };

  /// Adds a message. Drops it if its source has departed: it came too late.
  void push(Message&& message) {
    Peer& source = peers_.at(message.source);
    if (source.departure) return;
    ++source.come;
    if (waiting_ == nullptr || !meets(message)) queue(std::move(message));
  }
  /// Counts a message that goes straight to the program, past the mailbox.
  void count(int source) { ++peers_.at(source).come; }
  /// How many messages were pushed or counted of the process that has `source` now.
  [[nodiscard]] std::uint64_t come(int source) const { return peers_[source].come; }
  /// How many messages and news have come: the place of the latest among them. A message that goes
  /// straight to a receive that waits has none.
  [[nodiscard]] std::uint64_t arrivals() const { return arrivals_; }
  /// Records a departure. Messages pushed before stay to be received. A second departure of the
  /// same rank is ignored.
  void depart(std::shared_ptr<const Departure> departure) {
    depart(std::move(departure), ++arrivals_);
  }
  /// Like the above, for a departure that is recorded late: it is told before all messages that
  /// have come since arrivals() was `place`.
  void depart(std::shared_ptr<const Departure> departure, std::uint64_t place);
  void depart(Departure departure) {
    depart(std::make_shared<const Departure>(std::move(departure)));
  }
  /// A new process has the departed rank `arrival.rank` from now on.
  void arrive(Arrival arrival);

  /// The next event that `wanted` asks for, or nothing yet. Throws PeerGone if nobody remains who
  /// could send. Throws UsageError for a wait for a message from oneself, and for a message that
  /// `wanted` does not take.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted);

  /// The departure of `rank`, or null. Valid until another process of the rank departs.
  [[nodiscard]] const Departure* departure(int rank) const { return peers_[rank].departure.get(); }
  /// How many other ranks have not departed.
  [[nodiscard]] int remaining() const { return remaining_; }
  [[nodiscard]] std::size_t messages() const { return messages_; }
  /// Whether the message that was taken last came from a process that another has replaced. The
  /// window of the rank has begun anew (Windows::reset) and must not count it. Ask once after each
  /// message.
  [[nodiscard]] bool gave_of_former() { return std::exchange(gave_of_former_, false); }
  /// Bytes of the messages that wait of the process that has `source` now, counted as Windows
  /// counts them.
  [[nodiscard]] std::uint64_t queued_bytes(int source) const { return peers_[source].queued_bytes; }
  /// Whether a receive waits that should call Waiting::met() now: either it has what it asks for,
  /// or something came that only take() can handle.
  [[nodiscard]] bool met() const {
    return waiting_ != nullptr && (waiting_->event_ || waiting_->take_again_);
  }
  /// Whether neither messages nor news wait.
  [[nodiscard]] bool idle() const { return messages_ == 0 && news_.empty(); }
  /// Throws PeerLost or PeerLeft if `dest` has departed, as a send to it must.
  void check_send(int dest) const;
  /// Frees all messages, which nobody will take.
  void forget_messages() noexcept;

 private:
  struct Node;
  struct Links {
    Node *previous = nullptr, *next = nullptr;
  };
  struct Node {
    Message message;
    std::uint64_t arrived = 0;  // number of arrivals_ when it came: orders messages and news
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
    Node* free_ = nullptr;  // a list, linked by all.next
  };
  using Of = Links Node::*;
  struct Chain {
    Node *first = nullptr, *last = nullptr;
    template <Of of>
    void append(Node& node);
    template <Of of>
    void remove(Node& node);
  };
  /// The chains that are not empty, by key. A hash table with open addressing.
  class Chains {
   public:
    /// The chain of `key`, which is added if it is missing.
    Chain& at(std::uint64_t key);
    [[nodiscard]] Node* first(std::uint64_t key) const;
    void remove(std::uint64_t key);

   private:
    struct Entry {
      std::uint64_t key = 0;
      Chain chain;  // empty: the entry is free
    };
    [[nodiscard]] std::size_t home(std::uint64_t key) const;
    [[nodiscard]] std::size_t find(std::uint64_t key) const;
    void grow();
    std::vector<Entry> entries_;  // their number is a power of two; at most half are in use
    std::size_t used_ = 0;
  };
  struct Peer {
    Chain messages;                              // filled only while indexed_
    std::shared_ptr<const Departure> departure;  // ranks of one process share the record
    std::uint64_t process = 0;                   // counts the processes that have had the rank
    std::uint64_t come = 0;                      // messages of that process
    std::uint64_t queued_bytes = 0;              // of its messages, as Windows counts them
    int unread = 0;                              // news of it that were not read
  };
  /// A departure or an arrival that was not yet reported. It has its place among the messages.
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
  void add_news(int rank, std::uint64_t place, decltype(News::what)&& what);
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
  bool indexed_ = false;  // messages hang in all of their chains, not only in all_
  Chain all_;
  Chains chains_;  // by tag, and by source and tag
  RankTable<Peer> peers_;
  Nodes nodes_;
  NewsList news_;
  NewsList::iterator first_loss_ = news_.end();  // end(): there is none
  std::shared_ptr<const Departure> latest_;
};

}  // namespace rankwire

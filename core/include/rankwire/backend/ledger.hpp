#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rankwire/backend/budget.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/texts.hpp"
#include "rankwire/backend/wait.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/backend/world_end.hpp"
#include "rankwire/channel.hpp"

namespace rankwire {

/// What one rank knows of the others of its world, and does with it in the same way on every
/// transport: the messages that have arrived from them (Mailbox), the byte credits in both
/// directions (Windows), their names, which of them are about to depart, and whether the world has
/// ended. The transport moves the bytes. It asks the Ledger what to throw, to log and to tell
/// others. Waits go through the Ledger, too: wait_for_room() and wait_for() call the transport's
/// `rounds` again and again (see wait_until).
///
/// Not synchronised, like Mailbox and Windows: its owner locks, or uses it from one thread. Any
/// thread may use `end()`.
class Ledger {
 public:
  /// `peers` has an entry for each rank that is known, and this one; it is empty if all ranks live
  /// in this process. Ranks of one process may share `end`. For `takes_arrivals` see Mailbox.
  Ledger(int self, int size, const MemoryLimits& limits, std::vector<PeerInfo> peers,
         std::shared_ptr<WorldEnd> end, bool takes_arrivals = false);

  // To look at. What changes them goes through the functions below.
  [[nodiscard]] const Mailbox& mailbox() const { return mailbox_; }
  [[nodiscard]] const Windows& windows() const { return windows_; }
  [[nodiscard]] const MemoryLimits& limits() const { return limits_; }
  [[nodiscard]] WorldEnd& end() { return *end_; }
  [[nodiscard]] const WorldEnd& end() const { return *end_; }

  /// "rank 2 (node7, pid 41)".
  [[nodiscard]] std::string name(int rank) const;
  /// What is known of `rank`. Its rank, at least.
  [[nodiscard]] PeerInfo peer(int rank) const;
  /// Who has the rank `peer.rank`, which was not known. Counts and messages stay.
  void learn(PeerInfo&& peer);
  /// Info with its peers and its window. The transport fills in the rest.
  [[nodiscard]] Info info() const;

  // Sending.

  /// Throws what a send to `dest` must throw: Aborted, PeerLost or PeerLeft.
  void check_send(int dest) const {
    end_->check();
    mailbox_.check_send(dest);
  }
  /// Whether there is room for a message to `dest` with a payload of `bytes`.
  [[nodiscard]] bool has_room(int dest, std::size_t bytes) const {
    if (!budget_) [[likely]]
      return windows_.has_room(dest, bytes);
    return has_room_in_budget(dest, bytes);
  }
  /// Returns when there is room for a message to `dest` with a payload of `bytes`. Waits with the
  /// transport's `rounds` (see wait_until). If `dest` has to grant the room, calls `ask(want)`.
  /// Does not wait for room towards the own rank, since nobody else could make it. Throws Timeout
  /// if there is no room at the deadline, and meanwhile what check_send() throws.
  template <class Rounds, class Ask>
  void wait_for_room(Rounds& rounds, int dest, std::size_t bytes, Deadline deadline,
                     const Ask& ask);
  template <class Rounds>
  void wait_for_room(Rounds& rounds, int dest, std::size_t bytes, Deadline deadline) {
    wait_for_room(rounds, dest, bytes, deadline, [](const Budget::Want&) {});
  }
  /// Counts a message with a payload of `bytes` in the window to `dest`.
  void sent(int dest, std::size_t bytes) {
    windows_.sent(dest, bytes);
    if (budget_) [[unlikely]]
      note_outstanding(dest);
  }
  /// `by.rank` has granted room.
  void granted(const Budget::Grant& by) {
    if (budget_ && !mailbox_.departure(by.rank)) budget_->granted(by);
  }
  /// Counts a message to the own rank and puts it into the mailbox. Throws Timeout if there is no
  /// room.
  void send_to_self(int tag, Buffer&& payload);
  /// `dest` reports that its program has taken `total` bytes of this rank's messages
  /// (Windows::credited).
  void credited(int dest, std::uint64_t total) {
    windows_.credited(dest, total);
    if (budget_) [[unlikely]]
      note_outstanding(dest);
  }
  /// To be called before a message goes to `dest`. Returns the total to report to `dest` first, if
  /// `dest` may be held up (Windows::owed). The message may be an answer: it tells `dest` that its
  /// own message was received, so `dest` may count on that room.
  [[nodiscard]] std::optional<std::uint64_t> owed(int dest) {
    if (!windows_.owes()) return std::nullopt;
    return windows_.owed(dest, mailbox_.queued_bytes(dest));
  }
  /// Writes the log line for a send that has waited for long. `what` completes "has waited 5 s for
  /// ".
  void say_long_send(const std::string& what) { rankwire::say_long_send(long_waits_, self_, what); }

  // Receiving.

  /// Puts a message that has arrived into the mailbox, and counts it for its source.
  void push(Message&& message) { mailbox_.push(std::move(message)); }
  /// Counts a message that goes straight to the program, past the mailbox.
  void count(int source) { mailbox_.count(source); }
  /// How many messages were counted of the process that has `source` now.
  [[nodiscard]] std::uint64_t come(int source) const { return mailbox_.come(source); }
  /// See Mailbox::take.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted) { return mailbox_.take(wanted); }
  /// Waits until the deadline for what `wanted` asks for, and puts it into `event`. To be called
  /// after take() gave nothing. `take_more(event)` is for what the transport holds outside of the
  /// mailbox: it puts what is asked for into `event`, and returns whether it did. It is called when
  /// the mailbox has nothing that is asked for: what lies there is older.
  template <class Rounds, class TakeMore>
  void wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                std::optional<Event>& event, const TakeMore& take_more);
  template <class Rounds>
  void wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                std::optional<Event>& event) {
    wait_for(rounds, wanted, deadline, event, [](const auto&) { return false; });
  }
  /// The program has taken a message of `source` with a payload of `bytes`. Returns the total to
  /// report to `source`, if it is time. Call this once for each message that take() or wait_for()
  /// gave.
  [[nodiscard]] std::optional<std::uint64_t> taken(int source, std::size_t bytes) {
    if (mailbox_.gave_of_former() || mailbox_.departure(source)) return std::nullopt;
    // First, since a copy of what windows_ returns would cost more than all of this.
    if (budget_) [[unlikely]]
      budget_->taken(source, windows_.taken_bytes(source) + Windows::cost_bytes(bytes));
    return windows_.taken(source, bytes);
  }
  /// `from.rank` wants room for what it sends.
  void wanted(const Budget::Want& from) {
    if (budget_ && !mailbox_.departure(from.rank)) {
      budget_->wanted(from, windows_.taken_bytes(from.rank));
    }
  }
  /// Whether any want waits to be granted.
  [[nodiscard]] bool has_wants() const { return budget_ && budget_->has_wants(); }
  /// Calls `tell(grant)` for each rank whose want is granted now. To be called after wanted() and
  /// taken(), and with settle().
  template <class Tell>
  void grant(const Tell& tell);
  /// Calls `tell(source, total)` for each rank to which a report may not wait any longer. To be
  /// called before this rank sleeps, and when it has polled in vain (see Windows).
  template <class Tell>
  void settle(const Tell& tell);
  /// Calls `tell(want)` for each rank that has granted what is not used. To be called with
  /// settle().
  template <class Tell>
  void give_back(const Tell& tell) {
    if (budget_) {
      budget_->give_back(
          asks_, [this](int dest) { return windows_.sent_bytes(dest); }, tell);
    }
  }
  /// When a rank that waits has to do all this again.
  [[nodiscard]] Deadline settles_at() const {
    const Deadline at = windows_.settles_at();
    if (!budget_) return at;
    const bool any = awaited_ == any_source && budget_->has_wants();
    return at.sooner(budget_->gives_back_at())
        .sooner(any ? budget_->grants_at() : Deadline::never());
  }

  // Who goes and comes.

  /// `rank` has departed: sends to it throw from now on, and receives report it. A second departure
  /// of the same rank is ignored.
  void depart(int rank, Departure::Kind kind, std::string reason);
  /// Like the above, with a record that other ranks of this process may share.
  void depart(std::shared_ptr<const Departure> departure);
  /// Like the above, for a departure that is recorded late (see Mailbox::depart).
  void depart(std::shared_ptr<const Departure> departure, std::uint64_t place) {
    departing_.erase(departure->rank);
    if (budget_) budget_->departed(departure->rank);
    mailbox_.depart(std::move(departure), place);
  }
  /// `rank` has said goodbye, but some of what it sent here may still be under way: it has sent
  /// `messages` in all. Its departure becomes due() when that many have come. A later goodbye of
  /// the same rank replaces one that waits. After its departure a goodbye is ignored.
  void depart_after(int rank, Departure::Kind kind, std::string reason, std::uint64_t messages);
  /// The `messages` of depart_after() if nobody knows how many there are. Such a departure never
  /// becomes due(). The transport itself decides when it stops waiting, and calls depart().
  static constexpr std::uint64_t unknown = UINT64_MAX;
  /// A rank that has said goodbye, and whose messages are awaited.
  struct Departing {
    int rank = 0;
    Departure::Kind kind = Departure::Kind::lost;
    std::string reason;
    std::uint64_t messages = 0;
  };
  /// The goodbye of `rank` that waits, or null. Valid until the next departure or arrival is
  /// recorded.
  [[nodiscard]] const Departing* departing(int rank) const;
  /// A rank whose messages have all come, or null. The transport then ends its connections with
  /// that rank, and calls depart(). Looks at each goodbye that waits.
  [[nodiscard]] const Departing* due() const;
  /// Whether any goodbye waits.
  [[nodiscard]] bool awaits_departures() const { return !departing_.empty(); }
  /// How `rank` departed, or nothing if it has not.
  [[nodiscard]] std::optional<Departure> departure(int rank) const;
  /// A new process has the departed rank `peer.rank`. All counts between it and this rank begin
  /// anew. Only for a Ledger that was given `peers` (clause 14).
  void arrive(PeerInfo peer);
  /// Frees the messages that have arrived, which nobody will take.
  void forget_messages() noexcept { mailbox_.forget_messages(); }

 private:
  static constexpr int nobody = -2;  // any_source is -1
  [[nodiscard]] std::string lacking_room_for(int dest, std::size_t bytes) const;
  [[noreturn]] void throw_no_room(int dest, std::size_t bytes) const;
  [[nodiscard]] bool has_room_in_budget(int dest, std::size_t bytes) const;
  void note_outstanding(int dest);
  [[nodiscard]] WindowUse window_use(int dest) const;

  int self_;
  int size_;
  std::unordered_map<int, PeerInfo> peers_;  // those known; empty: this process has all ranks
  std::shared_ptr<WorldEnd> end_;
  Mailbox mailbox_;
  MemoryLimits limits_;
  Windows windows_;               // of shares, if they are less
  std::optional<Budget> budget_;  // only then
  int awaited_ = nobody;          // the source that a receive waits for, or any_source
  int asks_ = nobody;             // the rank at which a send waits to have room
  std::unordered_map<int, Departing> departing_;
  LongWaits long_waits_;
};

/// Sets a variable, and puts the old value back at the end of the scope.
template <class T>
class Meanwhile {
 public:
  Meanwhile(T& variable, T value) : variable_{variable}, before_{std::exchange(variable, value)} {}
  ~Meanwhile() { variable_ = before_; }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;

 private:
  T& variable_;
  T before_;
};

template <class Rounds, class Ask>
void Ledger::wait_for_room(Rounds& rounds, int dest, std::size_t bytes, Deadline deadline,
                           const Ask& ask) {
  if (has_room(dest, bytes)) return;
  const Meanwhile asking{asks_, dest};
  const auto look = [&] {
    mailbox_.check_send(dest);
    if (has_room(dest, bytes)) return true;
    if (budget_) {
      const auto want = budget_->want(dest, windows_.sent_bytes(dest), Windows::cost_bytes(bytes));
      if (want) ask(*want);
    }
    return false;
  };
  const bool room = dest != self_ && wait_until(rounds, deadline, look, [&] {
                      say_long_send(lacking_room_for(dest, bytes));
                    });
  if (!room) throw_no_room(dest, bytes);
}

template <class Rounds, class TakeMore>
void Ledger::wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                      std::optional<Event>& event, const TakeMore& take_more) {
  Mailbox::Waiting waiting{mailbox_, wanted, event};
  const Meanwhile awaiting{awaited_, wanted.source};
  wait_until(
      rounds, deadline, [&] { return waiting.met() || take_more(event); },
      [&] { say_long_receive(long_waits_, self_, wanted); });
}

template <class Tell>
void Ledger::settle(const Tell& tell) {
  if (!windows_.owes()) return;
  windows_.settle([this](int source) { return mailbox_.queued_bytes(source); },
                  [&](int source, std::uint64_t total) {
                    if (!mailbox_.departure(source)) tell(source, total);
                  });
}

template <class Tell>
void Ledger::grant(const Tell& tell) {
  if (!has_wants()) return;
  while (const auto grant = budget_->next_grant()) tell(*grant);
  if (awaited_ == nobody) return;
  const auto queued = [this](int source) { return mailbox_.queued_bytes(source); };
  if (const auto grant = budget_->grant_awaited(awaited_, queued)) tell(*grant);
}

}  // namespace rankwire

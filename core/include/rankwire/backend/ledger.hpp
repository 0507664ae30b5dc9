#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/texts.hpp"
#include "rankwire/backend/wait.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/backend/world_end.hpp"
#include "rankwire/channel.hpp"

namespace rankwire {

/// What one rank knows of the others of its world, and does with it in the same way on every
/// transport: what has arrived from them (Mailbox), the byte credits both ways (Windows), their
/// names, who is about to depart, and whether the world has ended. The transport moves bytes and
/// waits; it asks the Ledger what is to be thrown, said and told.
///
/// Not synchronised, as Mailbox and Windows are not: its owner locks, or is alone. Only `end()` is
/// for any thread.
class Ledger {
 public:
  /// `peers`: one a rank, in rank order; empty where all ranks live in this process. `end` may be
  /// shared with other ranks of this process. `takes_arrivals`: see Mailbox.
  Ledger(int self, int size, std::uint64_t window_bytes, std::vector<PeerInfo> peers,
         std::shared_ptr<WorldEnd> end, bool takes_arrivals = false);

  // To look at. What changes them goes through the functions below.
  [[nodiscard]] const Mailbox& mailbox() const { return mailbox_; }
  [[nodiscard]] const Windows& windows() const { return windows_; }
  [[nodiscard]] WorldEnd& end() { return *end_; }
  [[nodiscard]] const WorldEnd& end() const { return *end_; }

  /// "rank 2 (node7, pid 41)".
  [[nodiscard]] std::string name(int rank) const;
  /// Info with its peers and its window; the rest is the transport's to fill in.
  [[nodiscard]] Info info() const;

  // Sending.

  /// What must be thrown before a send to `dest`: Aborted, PeerLost, PeerLeft.
  void check_send(int dest) const {
    end_->check();
    mailbox_.check_send(dest);
  }
  /// Returns when the window to `dest` has room for `bytes`. Waits with the transport's `rounds`
  /// (see wait_until), but not for the own rank, for which nobody else could make room. Throws
  /// Timeout when there is none at the deadline, and as check_send() meanwhile.
  template <class Rounds>
  void wait_for_room(Rounds& rounds, int dest, std::size_t bytes, Deadline deadline);
  /// A message with a payload of `bytes` goes to `dest`: counts it in the window to there.
  void sent(int dest, std::size_t bytes) { windows_.sent(dest, bytes); }
  /// A message to the own rank, counted and put into the mailbox. Throws Timeout without room.
  void send_to_self(int tag, Buffer&& payload);
  /// `dest` reports that its program has taken so much of this rank in all (Windows::credited).
  void credited(int dest, std::uint64_t total) { windows_.credited(dest, total); }
  /// What to report to `dest` before a message goes to it, if anything: who knows by the message
  /// what was received here may count on the room.
  [[nodiscard]] std::optional<std::uint64_t> owed(int dest) {
    if (!windows_.owes()) return std::nullopt;
    return windows_.owed(dest, mailbox_.queued_bytes(dest));
  }
  /// The line of the log for a send that has waited for long; `what` completes "has waited 5 s
  /// for ".
  void say_long_send(const std::string& what) { rankwire::say_long_send(long_waits_, self_, what); }

  // Receiving.

  /// Takes in a message that has arrived, and counts it for its source.
  void push(Message&& message) { mailbox_.push(std::move(message)); }
  /// Counts a message that goes straight to the program, past the mailbox.
  void count(int source) { mailbox_.count(source); }
  /// Messages that were pushed or counted of the process that has `source`.
  [[nodiscard]] std::uint64_t come(int source) const { return mailbox_.come(source); }
  /// See Mailbox::take.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted) { return mailbox_.take(wanted); }
  /// Waits until the deadline for what `wanted` asks for, into `event`, after take() gave nothing.
  /// `take_more(event)` looks at what the transport holds besides, which is younger.
  template <class Rounds, class TakeMore>
  void wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                std::optional<Event>& event, const TakeMore& take_more);
  template <class Rounds>
  void wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                std::optional<Event>& event) {
    wait_for(rounds, wanted, deadline, event, [](const auto&) { return false; });
  }
  /// The program has a message of `source` with a payload of `bytes`. Gives the total to report to
  /// `source`, when it is time. Once for each message that take() or wait_for() gave.
  [[nodiscard]] std::optional<std::uint64_t> taken(int source, std::size_t bytes) {
    if (mailbox_.gave_of_former()) return std::nullopt;
    const auto total = windows_.taken(source, bytes);
    return total && !mailbox_.departure(source) ? total : std::nullopt;
  }
  /// Calls `tell(source, total)` for each rank to which a report may not wait any longer: before
  /// this rank sleeps, polls in vain or answers (see Windows).
  template <class Tell>
  void settle(const Tell& tell);

  // Who goes and comes.

  /// `rank` has departed: sends to it throw from now on, and receives are told. The first departure
  /// of a rank stands.
  void depart(int rank, Departure::Kind kind, std::string reason);
  /// The same with a record that other ranks of this process may share.
  void depart(std::shared_ptr<const Departure> departure);
  /// `rank` has said goodbye, and what it sent here before may still be under way: `messages` in
  /// all. Its departure becomes due() when so many have come. Where a goodbye of the rank waits
  /// already, the later one counts; where the rank has departed, none.
  void depart_after(int rank, Departure::Kind kind, std::string reason, std::uint64_t messages);
  /// For depart_after(), where nobody knows how many messages there are: it is never due(), and the
  /// transport calls depart() when it will wait no longer.
  static constexpr std::uint64_t unknown = UINT64_MAX;
  /// A rank that has said goodbye, and whose messages are awaited.
  struct Departing {
    int rank = 0;
    Departure::Kind kind = Departure::Kind::lost;
    std::string reason;
    std::uint64_t messages = 0;
  };
  /// The goodbye of `rank` that waits; null: none does. Valid until the next call that is told of a
  /// departure or an arrival.
  [[nodiscard]] const Departing* departing(int rank) const;
  /// One whose messages have all come; null: none. The transport ends what it has of that rank, and
  /// calls depart(). Costs a look at each goodbye that waits.
  [[nodiscard]] const Departing* due() const;
  /// Some goodbye waits.
  [[nodiscard]] bool awaits_departures() const { return !departing_.empty(); }
  /// How `rank` departed; nothing while it has not.
  [[nodiscard]] std::optional<Departure> departure(int rank) const;
  /// A new process has the departed rank `peer.rank`: all counts between it and this rank begin
  /// anew. (Clause 14; only where `peers` were given.)
  void arrive(PeerInfo peer);
  /// Frees what has arrived: nobody will take it.
  void forget_messages() noexcept { mailbox_.forget_messages(); }

 private:
  [[nodiscard]] std::string lacking_room_for(int dest, std::size_t bytes) const;
  [[noreturn]] void throw_no_room(int dest, std::size_t bytes) const;
  [[nodiscard]] WindowUse window_use(int dest) const {
    return {windows_.outstanding_bytes(dest), windows_.window_bytes()};
  }

  int self_;
  int size_;
  std::vector<PeerInfo> peers_;  // empty: this process has all ranks
  std::shared_ptr<WorldEnd> end_;
  Mailbox mailbox_;
  Windows windows_;
  std::unordered_map<int, Departing> departing_;
  LongWaits long_waits_;
};

template <class Rounds>
void Ledger::wait_for_room(Rounds& rounds, int dest, std::size_t bytes, Deadline deadline) {
  if (windows_.has_room(dest, bytes)) return;
  const bool room = dest != self_ && wait_until(
                                         rounds, deadline,
                                         [&] {
                                           mailbox_.check_send(dest);
                                           return windows_.has_room(dest, bytes);
                                         },
                                         [&] { say_long_send(lacking_room_for(dest, bytes)); });
  if (!room) throw_no_room(dest, bytes);
}

template <class Rounds, class TakeMore>
void Ledger::wait_for(Rounds& rounds, const Wanted& wanted, Deadline deadline,
                      std::optional<Event>& event, const TakeMore& take_more) {
  wait_for_event(rounds, mailbox_, wanted, deadline, event, take_more,
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

}  // namespace rankwire

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// The byte credits of one rank towards each of the others, both ways (clause 3): as a sender, what
/// it has sent and the receiver's program has not yet taken; as a receiver, what its program has
/// taken and it has not yet told the sender. Totals, not differences, go over the wire, so that a
/// credit may be repeated or overtaken without harm.
///
/// A report for each message would cost as much as the message. So a receiver reports each
/// sixteenth of the window; and, before it sleeps, polls in vain or answers, whatever less it owes
/// to a sender that may be at its limit, as far as the receiver can know: one whose messages wait
/// here. To a sender below a quarter of the window it makes no difference. What a rank owes that
/// goes on waiting is told after a millisecond, so that nobody misses it for long.
class Windows {
 public:
  /// What a message adds to its payload: empty ones too must find an end.
  static constexpr std::uint64_t message_overhead_bytes = 64;
  [[nodiscard]] static std::uint64_t cost_bytes(std::size_t payload) {
    return payload + message_overhead_bytes;
  }

  /// `window_bytes` must be the same on all ranks.
  Windows(int self, int size, std::uint64_t window_bytes)
      : self_{self}, window_bytes_{window_bytes}, peers_{size} {}

  /// Within the window; or, for a message of any size, with less than a quarter of it outstanding.
  [[nodiscard]] bool has_room(int dest, std::size_t payload) const {
    const std::uint64_t under_way = outstanding_bytes(dest);
    return under_way < window_bytes_ / 4 || under_way + cost_bytes(payload) <= window_bytes_;
  }
  void sent(int dest, std::size_t payload) { peer(dest).sent += cost_bytes(payload); }
  /// The receiver's total; one that is lower than an earlier one, or above what was sent, is not
  /// believed.
  void credited(int dest, std::uint64_t total) {
    auto& there = peer(dest);
    if (total > there.credited && total <= there.sent) there.credited = total;
  }
  [[nodiscard]] std::uint64_t outstanding_bytes(int dest) const {
    const auto& there = peers_[dest];
    return there.sent - there.credited;
  }

  /// The program took a message of `source`. Gives the total to report to it, when it is time: at
  /// each sixteenth of the window. Less is owed. (What a rank takes of its own needs no report.)
  [[nodiscard]] std::optional<std::uint64_t> taken(int source, std::size_t payload) {
    auto& there = peer(source);
    there.taken += cost_bytes(payload);
    if (source == self_) {
      there.credited = there.reported = there.taken;
    } else if (there.taken - there.reported >= window_bytes_ / 16) {
      return there.reported = there.taken;
    } else if (!std::exchange(there.in_debts, true)) {
      debts_.push_back(source);
    }
    return std::nullopt;
  }
  /// Less than a sixteenth of some rank's was taken since the last report.
  [[nodiscard]] bool owes() const { return !debts_.empty(); }
  /// The total to report to `source` now, where what is owed to it may hold it up: where `queued`,
  /// the bytes of its that wait to be taken, and what is owed are a quarter of the window.
  [[nodiscard]] std::optional<std::uint64_t> owed(int source, std::uint64_t queued) {
    auto& there = peer(source);
    const std::uint64_t unreported = there.taken - there.reported;
    if (unreported == 0 || unreported + queued < window_bytes_ / 4) return std::nullopt;
    return there.reported = there.taken;
  }
  /// Calls `tell(source, total)` for all of those, and for all to whom anything is owed once it is
  /// time (settles_at); `queued(source)` as there. So much a call as there are ranks to which
  /// anything is owed.
  template <class Queued, class Tell>
  void settle(const Queued& queued, const Tell& tell) {
    const bool all = all_at_.expired();
    for (std::size_t i = 0; i < debts_.size();) {
      const int source = debts_[i];
      const auto total = owed(source, all ? window_bytes_ : queued(source));
      auto& there = peer(source);
      there.in_debts = there.taken != there.reported;
      if (there.in_debts) {
        ++i;
      } else {
        debts_[i] = debts_.back();
        debts_.pop_back();
      }
      if (total) tell(source, *total);
    }
    if (debts_.empty()) {
      all_at_ = Deadline::never();
    } else if (all_at_.is_never()) {
      all_at_ = owed_max;
    }
  }
  /// When one who waits is to settle() again.
  [[nodiscard]] Deadline settles_at() const { return all_at_; }

  /// A new process has `rank`: both sides begin at zero. What the one before had sent is not
  /// taken() any more, though the program may yet receive it.
  void reset(int rank) {
    const bool in_debts = peer(rank).in_debts;
    peer(rank) = {.in_debts = in_debts};
  }
  [[nodiscard]] std::uint64_t window_bytes() const { return window_bytes_; }

 private:
  static constexpr std::chrono::milliseconds owed_max{1};
  struct Peer {
    std::uint64_t sent = 0, credited = 0, taken = 0, reported = 0;
    bool in_debts = false;
  };
  Peer& peer(int rank) { return peers_.at(rank); }

  int self_;
  std::uint64_t window_bytes_;
  RankTable<Peer> peers_;
  std::vector<int> debts_;  // the ranks to which something is owed, and perhaps some others
  Deadline all_at_ = Deadline::never();  // a while after the first settle() that left any
};

}  // namespace rankwire

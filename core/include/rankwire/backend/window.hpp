#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// The byte credits between one rank and each of the others, in both directions (clause 3). As a
/// sender, the rank counts what it has sent and what the receiver's program has taken of it. As a
/// receiver, it counts what its program has taken and what of that it has reported. Reports give
/// totals, not differences, so a report may be repeated or overtaken without harm.
///
/// A report for each message would cost as much as the message. So a receiver reports at each
/// sixteenth of the window. It owes the sender what it has not reported. Some smaller debts are
/// reported, too: those to senders that may be held up. Such a sender is one whose messages that
/// wait here, together with the debt, make a quarter of the window or more; a sender with less than
/// a quarter outstanding always has room. The receiver reports these debts before it sleeps and
/// when it polls in vain; before it sends to such a sender, it reports the debt to that one. A rank
/// that goes on waiting reports all its debts after a millisecond, so that no sender misses them
/// for long.
class Windows {
 public:
  /// Each message costs this much on top of its payload, so that empty messages fill the window,
  /// too.
  static constexpr std::uint64_t message_overhead_bytes = 64;
  [[nodiscard]] static std::uint64_t cost_bytes(std::size_t payload) {
    return payload + message_overhead_bytes;
  }

  /// `window_bytes` must be the same on all ranks.
  Windows(int self, int size, std::uint64_t window_bytes)
      : self_{self}, window_bytes_{window_bytes}, peers_{size} {}

  /// Whether a message may be sent now: it fits the window, or less than a quarter of the window is
  /// outstanding.
  [[nodiscard]] bool has_room(int dest, std::size_t payload) const {
    return fits(outstanding_bytes(dest), payload, window_bytes_);
  }
  [[nodiscard]] static bool fits(std::uint64_t under_way, std::size_t payload,
                                 std::uint64_t window) {
    return under_way < window / 4 || under_way + cost_bytes(payload) <= window;
  }
  void sent(int dest, std::size_t payload) { peer(dest).sent += cost_bytes(payload); }
  /// `dest` reports that it has taken `total` bytes. A total below an earlier one or above what was
  /// sent is ignored.
  void credited(int dest, std::uint64_t total) {
    auto& there = peer(dest);
    if (total > there.credited && total <= there.sent) there.credited = total;
  }
  [[nodiscard]] std::uint64_t outstanding_bytes(int dest) const {
    const auto& there = peers_[dest];
    return there.sent - there.credited;
  }

  [[nodiscard]] std::uint64_t sent_bytes(int dest) const { return peers_[dest].sent; }
  [[nodiscard]] std::uint64_t taken_bytes(int source) const { return peers_[source].taken; }

  /// The program took a message of `source`. Returns the total to report if a sixteenth of the
  /// window is unreported; a smaller amount is owed. What a rank takes of its own messages needs no
  /// report.
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
  /// Whether something is owed to any rank.
  [[nodiscard]] bool owes() const { return !debts_.empty(); }
  /// The total to report to `source` now, if the debt may hold it up: if the debt and `queued` are
  /// together a quarter of the window. `queued` are the bytes of its messages that wait here.
  [[nodiscard]] std::optional<std::uint64_t> owed(int source, std::uint64_t queued) {
    auto& there = peer(source);
    const std::uint64_t unreported = there.taken - there.reported;
    if (unreported == 0 || unreported + queued < window_bytes_ / 4) return std::nullopt;
    return there.reported = there.taken;
  }
  /// Calls `tell(source, total)` for each rank that the debt may hold up; once settles_at() has
  /// passed, for each rank with a debt. `queued(source)` is as in owed(). Before that time it looks
  /// at a bounded number of ranks, and goes on with the others the next time: a master of thousands
  /// calls this after each few messages.
  template <class Queued, class Tell>
  void settle(const Queued& queued, const Tell& tell) {
    const bool all = all_at_.expired();
    if (all) next_debt_ = 0;
    for (std::size_t looks = all ? debts_.size() : std::min(debts_.size(), looks_max); looks > 0;
         --looks) {
      if (next_debt_ >= debts_.size()) next_debt_ = 0;
      std::size_t& i = next_debt_;
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
  /// When a rank that waits has to call settle() again.
  [[nodiscard]] Deadline settles_at() const { return all_at_; }

  /// A new process has `rank`: both sides count from zero. Do not call taken() for messages of the
  /// process before, which the program may still receive.
  void reset(int rank) {
    const bool in_debts = peer(rank).in_debts;
    peer(rank) = {.in_debts = in_debts};
  }
  [[nodiscard]] std::uint64_t window_bytes() const { return window_bytes_; }

 private:
  static constexpr std::chrono::milliseconds owed_max{1};
  static constexpr std::size_t looks_max = 64;
  struct Peer {
    std::uint64_t sent = 0, credited = 0, taken = 0, reported = 0;
    bool in_debts = false;
  };
  Peer& peer(int rank) { return peers_.at(rank); }

  int self_;
  std::uint64_t window_bytes_;
  RankTable<Peer> peers_;
  std::vector<int> debts_;               // all ranks with a debt, and perhaps some others
  std::size_t next_debt_ = 0;            // where settle() goes on
  Deadline all_at_ = Deadline::never();  // when all debts are due; never without debts
};

}  // namespace rankwire

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "rankwire/backend/rank_table.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// How much memory a rank may need for messages (clause 3). All in bytes.
struct MemoryLimits {
  /// Of each pair, and all of it sure.
  MemoryLimits(std::uint64_t window) : window_bytes{window}, share_bytes{window} {}  // NOLINT
  /// As clause 3 says, for one rank of a world of `ranks`: `budget` is for each direction, to and
  /// from all others.
  MemoryLimits(std::uint64_t window, std::uint64_t budget, int ranks);
  /// The same with the share that another rank has decided: both ends of a pair must know one.
  [[nodiscard]] MemoryLimits with_share(std::uint64_t share, std::uint64_t budget, int ranks) const;

  std::uint64_t window_bytes;    ///< at most under way from one rank to another
  std::uint64_t share_bytes;     ///< what of it is sure
  std::uint64_t pool_bytes = 0;  ///< for all that goes beyond the shares
};

/// The budget of the settings; if they say none, 1 GiB or a quarter of the memory that the host and
/// the control groups grant this process, whichever is less.
[[nodiscard]] std::uint64_t memory_budget(const Settings& settings);

/// What one rank has under way beyond the shares, in worlds whose windows together are more than
/// the budget. As a sender it asks the receiver for what its share does not cover, with a Want. The
/// receiver answers with a Grant as soon as its pool has room, in the order of the wants. A sender
/// that wants again and again is granted more each time, so that one round trip serves for many
/// messages. It gives back what it has not used for a second; a program that polls for room must
/// find it at its next poll. Each time in a row that it does so it waits for twice as long, up to a
/// minute: the program may poll more rarely than that.
///
/// Wants and grants are totals of bytes sent since the beginning, so they may be repeated. A grant
/// has the number of the want that it answers: one for an older want is void, since the sender has
/// given it back.
///
/// Not synchronised, like Windows. It knows no transport.
class Budget {
 public:
  struct Want {
    int rank = 0;  ///< whom it goes to
    /// Counts up from 1. 0: the sender gives back what it was granted beyond `total`, and wants
    /// nothing any more.
    std::uint32_t number = 0;
    std::uint64_t total = 0;  ///< what the sender wants to have sent in all
  };
  struct Grant {
    int rank = 0;
    std::uint32_t number = 0;
    std::uint64_t total = 0;  ///< what `rank` may send in all
  };

  /// Tests give a shorter time after which a sender gives back what it has not used.
  Budget(int size, const MemoryLimits& limits,
         std::chrono::milliseconds unused_max = std::chrono::milliseconds{1000})
      : limits_{limits}, unused_max_{unused_max}, peers_{size} {}

  // As a sender.

  /// Whether `cost` more bytes may go to `dest`, of whose messages `sent` were counted in all and
  /// `credited` reported back.
  [[nodiscard]] bool has_room(int dest, std::uint64_t sent, std::uint64_t credited,
                              std::uint64_t cost) const;
  /// What to tell `dest` so that this becomes true. Nothing if that was told.
  [[nodiscard]] std::optional<Want> want(int dest, std::uint64_t sent, std::uint64_t cost);
  /// From now on `bytes` are outstanding at `dest`.
  void outstanding(int dest, std::uint64_t bytes);
  void granted(const Grant& by);
  /// Calls `tell(want)` for each rank that has granted what was not used for too long; not for
  /// `kept`, to which a send waits. Looks for such at most ten times a second. `sent(rank)` is as
  /// above.
  template <class Sent, class Tell>
  void give_back(int kept, const Sent& sent, const Tell& tell);
  /// When a rank that waits has to call give_back() again.
  [[nodiscard]] Deadline gives_back_at() const { return give_back_at_; }

  // As a receiver.

  /// `from.rank` wants, or gives back. `taken` bytes of its messages were taken so far.
  void wanted(const Want& from, std::uint64_t taken);
  /// In all, `total` bytes of `source` were taken.
  void taken(int source, std::uint64_t total);
  [[nodiscard]] bool has_wants() const { return !wanting_.empty(); }
  /// The next grant to tell, if there is room for it.
  [[nodiscard]] std::optional<Grant> next_grant();
  /// A grant although there is no room. The program waits in vain for a message of `source`, or of
  /// any_source, and what would make room may be behind that message. For any_source only if
  /// nothing is under way, or nothing of it has come for a second: a rank that was granted room may
  /// compute, and use it later. Such a rank counts no more until something comes of it.
  /// `queued(rank)` is what of its messages waits to be received.
  template <class Queued>
  [[nodiscard]] std::optional<Grant> grant_awaited(int source, const Queued& queued);
  /// When a rank that waits for a message of anyone has to call grant_awaited() again.
  [[nodiscard]] Deadline grants_at() const { return grant_at_; }

  /// The process with this rank is gone.
  void departed(int rank);

  /// What goes beyond the shares now: as far as this rank has sent it, and as it has granted it.
  [[nodiscard]] std::uint64_t sent_beyond_bytes() const { return sent_beyond_; }
  [[nodiscard]] std::uint64_t granted_beyond_bytes() const { return granted_beyond_; }

 private:
  static constexpr int unused_doubled_max = 6;
  struct Peer {
    // As a sender.
    std::uint32_t want_number = 0;
    std::uint64_t wanted_total = 0;             // told to it; 0: nothing, or given back
    std::uint64_t may_send_total = 0;           // granted by it
    std::uint64_t sent_beyond = 0;              // its part of sent_beyond_
    Deadline unused_until = Deadline::never();  // then what it granted is given back
    int given_back = 0;                         // times in a row
    bool in_held = false;
    // As a receiver.
    std::uint32_t number = 0;         // of its last want
    std::uint64_t wants_total = 0;    // not granted yet; 0: nothing
    std::uint64_t granted_total = 0;  // 0: nothing
    std::uint64_t taken = 0;          // while it has a grant
    std::uint64_t beyond = 0;         // its part of granted_beyond_
    std::uint64_t ahead = 0;          // what it was granted beyond its last want
    std::uint64_t come = 0;           // at the last look for any_source
    bool idle = false;  // it has a grant, and nothing has come since it was passed over
    bool in_holders = false;
  };
  [[nodiscard]] std::uint64_t beyond(std::uint64_t bytes) const {
    return bytes > limits_.share_bytes ? bytes - limits_.share_bytes : 0;
  }
  void count(Peer& from);
  [[nodiscard]] Grant grant(int rank);
  template <class Queued>
  [[nodiscard]] std::uint64_t bytes_under_way(const Queued& queued);

  MemoryLimits limits_;
  std::chrono::milliseconds unused_max_;
  RankTable<Peer> peers_;
  std::uint64_t sent_beyond_ = 0, granted_beyond_ = 0;
  std::vector<int> held_;     // ranks that were told a want, until what they grant is used
  std::vector<int> holders_;  // ranks that may have a grant
  std::deque<int> wanting_;   // ranks with a want, in order; perhaps some without
  Deadline give_back_at_ = Deadline::never();
  std::uint64_t under_way_ = 0;            // at the last look for any_source
  Deadline grant_at_ = Deadline::never();  // if that does not change until then
};

template <class Sent, class Tell>
void Budget::give_back(int kept, const Sent& sent, const Tell& tell) {
  if (held_.empty()) return;
  if (!give_back_at_.is_never() && !give_back_at_.expired()) return;
  std::erase_if(held_, [&](int rank) {
    Peer& there = peers_.at(rank);
    const std::uint64_t total = sent(rank);
    const bool answered = there.may_send_total != 0;
    const bool used = std::max(there.wanted_total, there.may_send_total) <= total;
    if (!used && (rank == kept || !answered || !there.unused_until.expired())) return false;
    there.in_held = false;
    there.wanted_total = there.may_send_total = 0;
    there.given_back = used ? 0 : std::min(there.given_back + 1, unused_doubled_max);
    if (!used) tell(Want{rank, 0, total});
    return true;
  });
  give_back_at_ = held_.empty() ? Deadline::never() : Deadline{unused_max_ / 10};
}

/// What was granted and has not come. One that wants more has used all that it can: it waits for an
/// answer.
template <class Queued>
std::uint64_t Budget::bytes_under_way(const Queued& queued) {
  std::uint64_t bytes = 0;
  std::erase_if(holders_, [&](int rank) {
    Peer& from = peers_.at(rank);
    from.in_holders = from.granted_total > from.taken;
    const std::uint64_t come = from.taken + queued(rank);
    from.idle = std::exchange(from.come, come) == come && from.idle;
    const bool under_way = from.wants_total == 0 && !from.idle && from.granted_total > come;
    if (under_way) bytes += from.granted_total - come;
    return !from.in_holders;
  });
  return bytes;
}

template <class Queued>
std::optional<Budget::Grant> Budget::grant_awaited(int source, const Queued& queued) {
  if (wanting_.empty()) return std::nullopt;
  if (source >= 0) {
    if (peers_[source].wants_total == 0) return std::nullopt;
    return grant(source);
  }
  const std::uint64_t bytes = bytes_under_way(queued);
  if (bytes != 0 && (bytes != under_way_ || !grant_at_.expired())) {
    if (std::exchange(under_way_, bytes) != bytes) grant_at_ = unused_max_;
    return std::nullopt;
  }
  if (bytes != 0) {
    for (const int rank : holders_) peers_.at(rank).idle = true;
  }
  under_way_ = 0;
  grant_at_ = Deadline::never();
  for (; !wanting_.empty(); wanting_.pop_front()) {
    if (peers_[wanting_.front()].wants_total > 0) return grant(wanting_.front());
  }
  return std::nullopt;
}

}  // namespace rankwire

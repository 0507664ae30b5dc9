#include "rankwire/backend/budget.hpp"

#include "rankwire/backend/control_groups.hpp"
#include "rankwire/backend/window.hpp"

namespace rankwire {

MemoryLimits::MemoryLimits(std::uint64_t window, std::uint64_t budget, int ranks)
    : MemoryLimits{window} {
  const auto others = static_cast<std::uint64_t>(std::max(1, ranks - 1));
  // Half of the budget is for the shares, and the other half for what goes beyond them. A message
  // of one byte must always have room.
  const std::uint64_t share = std::max(budget / 2 / others, 2 * Windows::message_overhead_bytes);
  if (window > budget / others) *this = with_share(std::min(window, share), budget, ranks);
}

MemoryLimits MemoryLimits::with_share(std::uint64_t share, std::uint64_t budget, int ranks) const {
  MemoryLimits limits{window_bytes};
  limits.share_bytes = std::min(share, window_bytes);
  const auto others = static_cast<std::uint64_t>(std::max(1, ranks - 1));
  const std::uint64_t shares = share > budget / others ? budget : share * others;
  limits.pool_bytes = budget - shares;
  return limits;
}

std::uint64_t memory_budget(const Settings& settings) {
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (settings.memory_bytes) return *settings.memory_bytes;
  return std::min(most, host_memory_bytes() / 4);
}

bool Budget::has_room(int dest, std::uint64_t sent, std::uint64_t credited,
                      std::uint64_t cost) const {
  const std::uint64_t under_way = sent - credited, with_it = under_way + cost;
  if (with_it <= limits_.share_bytes) return true;
  const Peer& there = peers_[dest];
  const bool in_window = under_way < limits_.window_bytes / 4 || with_it <= limits_.window_bytes;
  if (!in_window || sent + cost > there.may_send_total) return false;
  // One rank may always be sent to: what it receives next may be behind this message.
  const std::uint64_t others = sent_beyond_ - there.sent_beyond;
  return others == 0 || others + beyond(with_it) <= limits_.pool_bytes;
}

std::optional<Budget::Want> Budget::want(int dest, std::uint64_t sent, std::uint64_t cost) {
  Peer& there = peers_.at(dest);
  const std::uint64_t total = sent + cost;
  if (std::max(there.wanted_total, there.may_send_total) >= total) return std::nullopt;
  there.wanted_total = total;
  if (!std::exchange(there.in_held, true)) held_.push_back(dest);
  if (++there.want_number == 0) ++there.want_number;
  return Want{dest, there.want_number, total};
}

void Budget::outstanding(int dest, std::uint64_t bytes) {
  const std::uint64_t now = beyond(bytes);
  if (now == 0 && !peers_.has(dest)) return;
  Peer& there = peers_.at(dest);
  sent_beyond_ += now - there.sent_beyond;
  there.sent_beyond = now;
}

void Budget::granted(const Grant& by) {
  Peer& there = peers_.at(by.rank);
  if (by.number != there.want_number || there.wanted_total == 0) return;
  there.may_send_total = by.total;
  there.unused_until = unused_max_ * (1 << there.given_back);
}

void Budget::count(Peer& from) {
  const std::uint64_t now =
      from.granted_total > from.taken ? beyond(from.granted_total - from.taken) : 0;
  granted_beyond_ += now - from.beyond;
  from.beyond = now;
}

void Budget::wanted(const Want& from, std::uint64_t taken) {
  Peer& there = peers_.at(from.rank);
  there.taken = taken;
  // What a sender may want at most: a message of any size, and a window.
  constexpr std::uint64_t most = std::uint64_t{1} << 42;
  const std::uint64_t total = std::min(from.total, taken + most);
  if (from.number == 0) {
    there.wants_total = 0;
    there.granted_total = std::min(there.granted_total, total);
    there.ahead = 0;
  } else {
    there.number = from.number;
    if (std::exchange(there.wants_total, total) == 0) wanting_.push_back(from.rank);
    // What it has already needs no room. But it waits for an answer with this number.
    const std::uint64_t covered = std::max(there.granted_total, taken + limits_.share_bytes);
    if (total <= covered) wanting_.push_front(from.rank);
  }
  count(there);
}

void Budget::taken(int source, std::uint64_t total) {
  if (!peers_.has(source)) return;
  Peer& from = peers_.at(source);
  from.taken = total;
  if (from.beyond > 0) count(from);
}

Budget::Grant Budget::grant(int rank) {
  Peer& to = peers_.at(rank);
  to.granted_total = std::max(to.granted_total, std::exchange(to.wants_total, 0));
  count(to);
  const std::uint64_t left =
      limits_.pool_bytes > granted_beyond_ ? limits_.pool_bytes - granted_beyond_ : 0;
  to.ahead = std::min(std::max(2 * to.ahead, limits_.share_bytes), limits_.window_bytes);
  to.granted_total += std::min(to.ahead, left / 8);
  to.idle = false;
  count(to);
  if (!std::exchange(to.in_holders, true)) holders_.push_back(rank);
  return {rank, to.number, to.granted_total};
}

std::optional<Budget::Grant> Budget::next_grant() {
  for (; !wanting_.empty(); wanting_.pop_front()) {
    const int rank = wanting_.front();
    const Peer& next = peers_[rank];
    if (next.wants_total == 0) continue;  // granted out of turn, or given up
    const std::uint64_t others = granted_beyond_ - next.beyond;
    const std::uint64_t needs =
        next.wants_total > next.taken ? beyond(next.wants_total - next.taken) : 0;
    const bool has_it = needs <= next.beyond;
    if (!has_it && others != 0 &&
        (needs > limits_.pool_bytes || others > limits_.pool_bytes - needs)) {
      return std::nullopt;
    }
    wanting_.pop_front();
    return grant(rank);
  }
  return std::nullopt;
}

void Budget::departed(int rank) {
  if (!peers_.has(rank)) return;
  Peer& peer = peers_.at(rank);
  sent_beyond_ -= peer.sent_beyond;
  granted_beyond_ -= peer.beyond;
  peer = {.in_held = peer.in_held, .in_holders = peer.in_holders};
}

}  // namespace rankwire

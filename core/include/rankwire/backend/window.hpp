#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rankwire {

/// The byte credits of one rank towards each of the others, both ways (clause 3): as a sender, what
/// it has sent and the receiver's program has not yet taken; as a receiver, what its program has
/// taken and it has not yet told the sender. Totals, not differences, go over the wire, so that a
/// credit may be repeated or overtaken without harm.
class Windows {
 public:
  /// What a message adds to its payload: empty ones too must find an end.
  static constexpr std::uint64_t message_overhead_bytes = 64;
  [[nodiscard]] static std::uint64_t cost_bytes(std::size_t payload) {
    return payload + message_overhead_bytes;
  }

  /// `window_bytes` must be the same on all ranks: a receiver reports each quarter of it.
  Windows(int size, std::uint64_t window_bytes)
      : window_bytes_{window_bytes}, peers_(static_cast<std::size_t>(size)) {}

  /// Within the window; or, for a message of any size, with less than a quarter of it outstanding:
  /// so much may be taken by the receiver and not yet reported, and must not hold a sender up.
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
    const auto& there = peers_[static_cast<std::size_t>(dest)];
    return there.sent - there.credited;
  }

  /// The program took a message of `source`. Gives the total to report to it, when it is time.
  [[nodiscard]] std::optional<std::uint64_t> taken(int source, std::size_t payload) {
    auto& there = peer(source);
    there.taken += cost_bytes(payload);
    if (there.taken - there.reported < window_bytes_ / 4) return std::nullopt;
    return there.reported = there.taken;
  }

  /// A new process has `rank`: both sides begin at zero.
  void reset(int rank) { peer(rank) = {}; }
  [[nodiscard]] std::uint64_t window_bytes() const { return window_bytes_; }

 private:
  struct Peer {
    std::uint64_t sent = 0, credited = 0, taken = 0, reported = 0;
  };
  Peer& peer(int rank) { return peers_[static_cast<std::size_t>(rank)]; }

  std::uint64_t window_bytes_;
  std::vector<Peer> peers_;
};

}  // namespace rankwire

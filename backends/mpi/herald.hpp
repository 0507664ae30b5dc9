#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

/// What rank 0 has yet to tell the others of who has left. A rank that closes says goodbye to those
/// with which it has exchanged messages, and to rank 0, which tells all others. Those who leave in
/// a short time are told of together, as ranges of ranks. So the end of a world takes O(n)
/// messages.
///
/// A rank that has left is itself told of that: then all others have been.
class Herald {
 public:
  using Time = Deadline::Clock::time_point;
  using Duration = Deadline::Clock::duration;
  /// The first and the last rank of each range.
  using Ranges = std::vector<std::uint32_t>;

  /// `size` is that of the world; 0 on another rank than 0, which tells nobody.
  explicit Herald(int size) : size_{size} {}

  /// `rank` says goodbye to these itself.
  void parts_from(int rank, std::span<const std::uint32_t> ranks) {
    if (!ended_) {
      auto& own = parted_[rank];
      own.insert(own.end(), ranks.begin(), ranks.end());
    }
  }
  /// `rank` has left, and all ranks are to know.
  void left(int rank) {
    if (!ended_) leaving_.push_back(rank);
  }
  [[nodiscard]] bool due() const { return tells_at().expired(); }
  /// When the next are to be told of.
  [[nodiscard]] Deadline tells_at() const {
    if (leaving_.empty()) return Deadline::never();
    const bool nobody_remains = told_ + leaving_.size() + 1 >= static_cast<std::size_t>(size_);
    if (nobody_remains || ended_) return Deadline::poll();
    return Deadline::at(next_);
  }
  /// Calls `send(rank, ranges)` for each rank with those that it has not been told of.
  template <class Send>
  void tell(const Send& send);
  /// Who has left by now is to be told of at once, and nobody who leaves later.
  void end() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  /// After it has told all, rank 0 waits for four times as long as that took, within these bounds.
  static constexpr std::chrono::milliseconds pause_min{20}, pause_max{50};
  static Ranges ranges_of(std::span<const int> ranks);

  int size_;
  bool ended_ = false;
  std::size_t told_ = 0;                                        // ranks that all know of
  std::vector<int> leaving_;                                    // that are to be told of
  std::unordered_map<int, std::vector<std::uint32_t>> parted_;  // by rank: see parts_from()
  Time next_{};
};

inline Herald::Ranges Herald::ranges_of(std::span<const int> ranks) {
  Ranges ranges;
  for (const int at : ranks) {
    const auto rank = static_cast<std::uint32_t>(at);
    if (!ranges.empty() && ranges.back() + 1 == rank) {
      ranges.back() = rank;
    } else {
      ranges.insert(ranges.end(), {rank, rank});
    }
  }
  return ranges;
}

template <class Send>
void Herald::tell(const Send& send) {
  if (leaving_.empty()) return;
  const auto start = Deadline::Clock::now();
  std::sort(leaving_.begin(), leaving_.end());
  std::unordered_map<int, std::vector<int>> know;  // by rank: who has said goodbye to it
  for (const int rank : leaving_) {
    if (const auto own = parted_.extract(rank)) {
      for (const auto other : own.mapped()) know[static_cast<int>(other)].push_back(rank);
    }
  }
  const Ranges all = ranges_of(leaving_);
  for (int rank = 1; rank < size_; ++rank) {
    const auto known = know.find(rank);
    if (known == know.end()) {
      send(rank, all);
      continue;
    }
    std::vector<int> rest;
    std::set_difference(leaving_.begin(), leaving_.end(), known->second.begin(),
                        known->second.end(), std::back_inserter(rest));
    if (!rest.empty()) send(rank, ranges_of(rest));
  }
  told_ += leaving_.size();
  leaving_.clear();
  const auto end = Deadline::Clock::now();
  next_ = end + std::clamp<Duration>(4 * (end - start), pause_min, pause_max);
}

}  // namespace rankwire::mpi

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

/// Decides by signs of life who has been silent for too long. Each rank sends rank 0 a sign about
/// once a second, and rank 0 answers each: 2 n small messages a second for the world. Rank 0 so
/// watches all, and the others watch rank 0. Nobody watches a rank that has given no sign yet, or
/// that has said since that it falls silent.
///
/// Time counts only as far as this rank looks, at most 100 ms a look. After it was stopped, or kept
/// from looking, it must not take what lies there unread for silence. And on a machine so busy that
/// its own looks come late, the signs of others do, too.
class Signs {
 public:
  using Time = Deadline::Clock::time_point;
  using Duration = Deadline::Clock::duration;

  Signs(int self, int size, Duration grace)
      : master_{self == 0},
        grace_{grace},
        interval_{std::min<Duration>(std::chrono::seconds{1}, grace / 4)},
        watched_(master_ ? static_cast<std::size_t>(size) : 1) {}

  [[nodiscard]] Duration grace() const { return grace_; }
  /// To be called in each look.
  void look(Time now) {
    if (last_look_ != Time{}) aware_ += std::min<Duration>(now - last_look_, look_max);
    last_look_ = now;
  }
  /// Whether this rank should send rank 0 a sign. Then not again for an interval.
  [[nodiscard]] bool due() {
    if (master_ || last_look_ < next_sign_) return false;
    next_sign_ = last_look_ + interval_;
    return true;
  }
  /// `rank` has given a sign.
  void sign(int rank) {
    if (!watches(rank)) return;
    Watched& there = watched_[static_cast<std::size_t>(rank)];
    there.signs = true;
    there.heard = aware_;
    if (master_ && !std::exchange(there.unanswered, true)) unanswered_.push_back(rank);
  }
  /// `rank` has said that it falls silent, or has departed.
  void silence(int rank) {
    if (watches(rank)) watched_[static_cast<std::size_t>(rank)].signs = false;
  }
  /// Calls `answer(rank)` for each rank whose sign was not answered yet.
  template <class Answer>
  void answer(const Answer& answer) {
    for (const int rank : unanswered_) {
      watched_[static_cast<std::size_t>(rank)].unanswered = false;
      answer(rank);
    }
    unanswered_.clear();
  }
  /// Calls `lose(rank)` for each rank that was silent for the grace, and watches it no more.
  /// `come(rank)` is a count that grows with whatever comes from a rank. `more(rank)` says how much
  /// longer than the grace a rank may be silent.
  template <class Come, class More, class Lose>
  void find_silent(const Come& come, const More& more, const Lose& lose);

 private:
  static constexpr std::chrono::milliseconds look_max{100};
  struct Watched {
    bool signs = false;
    bool unanswered = false;
    std::uint64_t come = 0;
    Duration heard{};  // as aware_ then
  };
  [[nodiscard]] bool watches(int rank) const {
    return static_cast<std::size_t>(rank) < watched_.size();
  }

  bool master_;
  Duration grace_, interval_;
  Duration aware_{};  // how long this rank has looked
  Duration next_find_{};
  Time last_look_{}, next_sign_{};
  std::vector<Watched> watched_;  // by rank; only that of rank 0, but on rank 0
  std::vector<int> unanswered_;
};

template <class Come, class More, class Lose>
void Signs::find_silent(const Come& come, const More& more, const Lose& lose) {
  if (aware_ < next_find_) return;
  next_find_ = aware_ + interval_ / 4;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& there = watched_[i];
    if (!there.signs) continue;
    const int rank = static_cast<int>(i);
    if (const auto now = come(rank); std::exchange(there.come, now) != now) there.heard = aware_;
    const Duration silent = aware_ - there.heard;
    if (silent <= grace_ || silent - grace_ <= more(rank)) continue;
    there.signs = false;
    lose(rank);
  }
}

}  // namespace rankwire::mpi

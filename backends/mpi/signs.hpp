#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "rankwire/backend/hearing.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

/// The signs of life of a job's ranks. Each rank sends rank 0 a sign about once a second, and rank
/// 0 answers each: 2 n small messages a second for the world. Rank 0 so watches all, and the others
/// watch rank 0 (Hearing).
class Signs {
 public:
  using Time = Deadline::Clock::time_point;
  using Duration = Deadline::Clock::duration;

  Signs(int self, int size, Duration grace)
      : master_{self == 0},
        grace_{grace},
        interval_{std::min<Duration>(std::chrono::seconds{1}, grace / 4)},
        hearing_{master_ ? size : 1, grace, interval_ / 4, look_max},
        unanswered_at_(master_ ? static_cast<std::size_t>(size) : 0) {
    // All are watched from the start: one may end before its first sign.
    for (int rank = master_ ? 1 : 0; rank < (master_ ? size : 1); ++rank) hearing_.sign(rank);
  }

  [[nodiscard]] Duration grace() const { return grace_; }
  /// To be called in each look.
  void look(Time now) {
    hearing_.look(now);
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
    hearing_.sign(rank);
    if (!master_ || unanswered_at_[static_cast<std::size_t>(rank)]) return;
    unanswered_at_[static_cast<std::size_t>(rank)] = true;
    unanswered_.push_back(rank);
  }
  /// `rank` has said that it falls silent, or has departed.
  void silence(int rank) { hearing_.silence(rank); }
  /// Calls `answer(rank)` for each rank whose sign was not answered yet.
  template <class Answer>
  void answer(const Answer& answer) {
    for (const int rank : unanswered_) {
      unanswered_at_[static_cast<std::size_t>(rank)] = false;
      answer(rank);
    }
    unanswered_.clear();
  }
  /// See Hearing.
  template <class Come, class More, class Lose>
  void find_silent(const Come& come, const More& more, const Lose& lose) {
    hearing_.find_silent(come, more, lose);
  }

 private:
  static constexpr std::chrono::milliseconds look_max{100};

  bool master_;
  Duration grace_, interval_;
  Hearing hearing_;
  Time last_look_{}, next_sign_{};
  std::vector<bool> unanswered_at_;  // by rank, on rank 0
  std::vector<int> unanswered_;
};

}  // namespace rankwire::mpi

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire {

/// Decides who has been silent for too long, by the signs of life that ranks give from the thread
/// of their channel. Whatever else comes from a rank counts, too. A rank is watched from its first
/// sign on, until it falls silent for a reason: it says so, or has departed.
///
/// Time counts only as far as this rank looks, up to a limit for each look. After it was stopped,
/// or kept from looking, it must not take what lies there unread for silence. And on a machine so
/// busy that its own looks come late, the signs of others do, too.
///
/// (In the literature: a heartbeat failure detector. One that suspects nobody wrongly in an
/// asynchronous system cannot exist: Chandra and Toueg 1996. So this one is slow rather than
/// hasty.)
class Hearing {
 public:
  using Time = Deadline::Clock::time_point;
  using Duration = Deadline::Clock::duration;

  /// Watches the ranks 0..ranks-1. One that was silent for longer than `limit` is lost. A look
  /// counts for `look_max` at most. Ranks are gone through once in each `interval`.
  Hearing(int ranks, Duration limit, Duration interval, Duration look_max)
      : limit_{limit},
        interval_{interval},
        look_max_{look_max},
        watched_(static_cast<std::size_t>(ranks)) {}

  /// To be called in each look.
  void look(Time now) {
    if (last_look_ != Time{}) aware_ += std::min(now - last_look_, look_max_);
    last_look_ = now;
  }
  /// `rank` has given a sign.
  void sign(int rank) {
    if (!watches(rank)) return;
    Watched& there = watched_[static_cast<std::size_t>(rank)];
    there.signs = true;
    there.hear(aware_);
  }
  /// The way to `rank` has broken, or stands again. That it came back is a sign; so the time
  /// between the two is forgotten. But what it was silent for while its ways stood is added up: a
  /// network may let ways come about, and nothing else.
  void went(int rank) {
    if (!watches(rank)) return;
    Watched& there = watched_[static_cast<std::size_t>(rank)];
    if (!there.silent_before) there.silent_before = aware_ - there.heard;
  }
  void came_back(int rank) {
    if (!watches(rank)) return;
    Watched& there = watched_[static_cast<std::size_t>(rank)];
    if (there.silent_before) there.heard = aware_ - *std::exchange(there.silent_before, {});
  }
  /// `rank` has said that it falls silent, or has departed.
  void silence(int rank) {
    if (watches(rank)) watched_[static_cast<std::size_t>(rank)].signs = false;
  }
  /// Calls `lose(rank)` for each rank that was silent for the limit, and watches it no more.
  /// `come(rank)` is a count that changes with whatever comes from a rank. `more(rank)` says how
  /// much longer than the limit a rank may be silent.
  template <class Come, class More, class Lose>
  void find_silent(const Come& come, const More& more, const Lose& lose);
  [[nodiscard]] bool is_watched(int rank) const {
    return watches(rank) && watched_[static_cast<std::size_t>(rank)].signs;
  }
  [[nodiscard]] Duration silence_of(int rank) const {
    return aware_ - watched_[static_cast<std::size_t>(rank)].heard;
  }
  /// How long the most silent of those that are watched had been silent, as find_silent() found it.
  [[nodiscard]] Duration longest_silence() const { return longest_; }

 private:
  struct Watched {
    bool signs = false;
    std::uint64_t come = 0;
    Duration heard{};                       // as aware_ then
    std::optional<Duration> silent_before;  // when its way broke; nothing while it stands

    void hear(Duration now) {
      heard = now;
      if (silent_before) silent_before = Duration{};
    }
  };
  [[nodiscard]] bool watches(int rank) const {
    return static_cast<std::size_t>(rank) < watched_.size();
  }

  Duration limit_, interval_, look_max_;
  Duration aware_{};  // how long this rank has looked
  Duration next_find_{}, longest_{};
  Time last_look_{};
  std::vector<Watched> watched_;  // by rank
};

template <class Come, class More, class Lose>
void Hearing::find_silent(const Come& come, const More& more, const Lose& lose) {
  if (aware_ < next_find_) return;
  next_find_ = aware_ + interval_;
  longest_ = {};
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& there = watched_[i];
    if (!there.signs) continue;
    const int rank = static_cast<int>(i);
    if (const std::uint64_t now = come(rank); std::exchange(there.come, now) != now)
      there.hear(aware_);
    const Duration silent = aware_ - there.heard;
    longest_ = std::max(longest_, silent);
    if (silent <= limit_ || silent - limit_ <= more(rank)) continue;
    there.signs = false;
    lose(rank);
  }
}

}  // namespace rankwire

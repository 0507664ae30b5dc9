#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// Paces one wait on a transport that must be polled: spins, then yields, then sleeps ever longer
/// (WaitPolicy). Make one a wait and call pause() after each look that found nothing.
class Backoff {
 public:
  explicit Backoff(const WaitPolicy& policy) : policy_{policy} {}

  /// Never sleeps past `deadline`. The first calls cost one look at the clock.
  void pause(Deadline deadline) {
    const auto now = Deadline::Clock::now();
    if (start_ == Deadline::Clock::time_point{}) start_ = now;
    const auto waited = now - start_;
    if (waited < policy_.spin) return;
    if (waited < policy_.spin + policy_.yield) {
      std::this_thread::yield();
      return;
    }
    sleep_ = std::clamp<Deadline::Clock::duration>(sleep_ * 2, std::chrono::microseconds{50},
                                                   policy_.sleep_max);
    std::this_thread::sleep_for(std::min(sleep_, deadline.remaining()));
  }
  /// False once the time to spin and to yield is over: where a waiter can be woken, sleep then.
  [[nodiscard]] bool may_spin() const {
    return start_ == Deadline::Clock::time_point{} ||
           Deadline::Clock::now() - start_ < policy_.spin + policy_.yield;
  }
  /// True once pause() has come to sleeping: time for looks that cost more.
  [[nodiscard]] bool sleeping() const { return sleep_ > Deadline::Clock::duration::zero(); }

 private:
  WaitPolicy policy_;
  Deadline::Clock::time_point start_{};
  Deadline::Clock::duration sleep_{};
};

}  // namespace rankwire

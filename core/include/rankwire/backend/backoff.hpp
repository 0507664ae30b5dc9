#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/deadline.hpp"

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
  /// For a transport that can wake a waiter: one short rest, spinning or yielding, over as soon as
  /// `changed()`. False once the policy's time for both is over: sleep then, until woken.
  template <class Changed>
  bool rest_awake(Changed&& changed) {
    if (policy_.spin + policy_.yield == Deadline::Clock::duration::zero()) return false;
    const auto now = Deadline::Clock::now();
    if (start_ == Deadline::Clock::time_point{}) start_ = now;
    const auto waited = now - start_;
    if (waited >= policy_.spin + policy_.yield) return false;
    if (waited >= policy_.spin) {
      std::this_thread::yield();
      return true;
    }
    // A look at the clock costs more than some at a word of memory.
    constexpr int looks = 4;
    for (int i = 0; i < looks && !changed(); ++i) relax();
    return true;
  }
  /// True once pause() has come to sleeping: time for looks that cost more.
  [[nodiscard]] bool sleeping() const { return sleep_ > Deadline::Clock::duration::zero(); }

 private:
  /// Tells the core that it spins: the other thread of a core of two gets more of it.
  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  WaitPolicy policy_;
  Deadline::Clock::time_point start_{};
  Deadline::Clock::duration sleep_{};
};

}  // namespace rankwire

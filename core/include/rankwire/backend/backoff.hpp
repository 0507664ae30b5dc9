#pragma once

#include <chrono>
#include <thread>

#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// Paces the waits of one channel: a wait spins, then yields, then sleeps (WaitPolicy). Time that
/// was waited in vain counts in the next call as well; otherwise a loop of short waits would never
/// sleep. Call resume() when a wait begins, and begin_again() when something has come.
class Backoff {
 public:
  explicit Backoff(const WaitPolicy& policy) : policy_{policy} {}

  /// A wait begins. The time since the last one does not count.
  void resume() { last_ = {}; }
  /// Something has come, so more may come soon: spin again.
  void begin_again() {
    last_ = {};
    waited_ = {};
  }
  /// One short rest, spinning or yielding. It ends as soon as `changed()` is true. Returns false
  /// once the policy's time for both is used up; a transport that can wake a waiter then sleeps
  /// until woken.
  template <class Changed>
  bool rest_awake(Changed&& changed) {
    if (policy_.spin + policy_.yield == Deadline::Clock::duration::zero()) return false;
    const auto now = Deadline::Clock::now();
    if (last_ != Deadline::Clock::time_point{}) waited_ += now - last_;
    last_ = now;
    if (waited_ >= policy_.spin + policy_.yield) return false;
    if (waited_ >= policy_.spin) {
      std::this_thread::yield();
      // The yield itself counts: if others want the core, it may use up all of the time.
      last_ = Deadline::Clock::now();
      waited_ += last_ - now;
      return true;
    }
    // Reading the clock costs more than looking at a word of memory several times.
    constexpr int looks = 4;
    for (int i = 0; i < looks && !changed(); ++i) relax();
    return true;
  }

 private:
  /// Tells the core that this thread spins, so that the other thread of the core gets more of it.
  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  WaitPolicy policy_;
  Deadline::Clock::time_point last_{};
  Deadline::Clock::duration waited_{};
};

}  // namespace rankwire
